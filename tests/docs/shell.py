"""What ``bash`` blocks of the documentation may hold, and how it is checked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.docs.blocks import ROOT, Block, commands_of

BIN = Path(sys.executable).parent
SERVER = "http://127.0.0.1:8000"
"""How the pages write the address of a server that listens on the default port."""
VARIABLE = re.compile(r"\b(?:(?:VANTAGE|SSL_CERT|XDG|S9S_API)_[A-Z_]+|LOCALAPPDATA)\b")
"""The environment variables that pages and code can name."""


class Shell:
    """Runs lines of ``bash`` blocks.

    ``make TARGET`` must name a target; ``vantage-mock`` is started on a free port and stopped at the end of the page; ``curl``
    is run against the last server that the page has started, else the page's own; ``export`` must name variables that the
    code reads; ``python -m`` must name a module and paths that exist.
    """

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self._running:
            process.terminate()
            process.communicate(timeout=10)

    def run(self, block: Block) -> str:
        printed = ""
        for command in commands_of(block):
            words = shlex.split(command, comments=True)
            program = words[0].removeprefix(".venv/bin/") if words else ""
            if not words:
                continue
            if program == "make":
                _must_have_targets(block, words[1:])
            elif program == "vantage-mock" and "--help" in words:
                printed += finished([str(BIN / program), *words[1:]]).stdout
            elif program == "vantage-mock":
                printed += self._serve(block, words[1:])
            elif program == "curl":
                printed += self._curl(block, command)
            elif program == "export":
                _must_be_variables(block, words[1:])
            elif program in ("python", "pytest", "coverage"):
                _must_exist(block, words[1:])
            else:
                raise block.fail(f"nothing here knows how to check: {command}")
        return printed

    def _serve(self, block: Block, options: list[str]) -> str:
        if "--port" in options:
            place = options.index("--port")
            options = [*options[:place], *options[place + 2 :]]
        process = subprocess.Popen(
            [str(BIN / "vantage-mock"), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first.startswith("Listening on http://127.0.0.1:"):
            raise block.fail(f"the server does not start: {first}")
        self._url = first.removeprefix("Listening on ").strip()
        return first.replace(self._url, SERVER)

    def _curl(self, block: Block, command: str) -> str:
        done = finished(
            ["bash", "-c", command.replace("curl ", "curl --fail-with-body ", 1).replace(SERVER, self._url)]
        )
        if done.returncode != 0:
            raise block.fail(f"curl ends with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.replace(self._url, SERVER) + ("" if done.stdout.endswith("\n") else "\n")


def finished(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _must_have_targets(block: Block, words: list[str]) -> None:
    wanted = {word for word in words if "=" not in word and not word.startswith("-")}
    if unknown := wanted - make_targets():
        raise block.fail(f"the Makefile has no {', '.join(sorted(unknown))}")


def _must_be_variables(block: Block, words: list[str]) -> None:
    names = {word.partition("=")[0] for word in words}
    if unknown := names - variables_in_code():
        raise block.fail(f"the code does not read {', '.join(sorted(unknown))}")


def _must_exist(block: Block, words: list[str]) -> None:
    if words[:1] == ["-m"] and len(words) > 1:
        module = words[1]
        ours = module.replace(".", "/")
        if not any((ROOT / place).exists() for place in (f"{ours}.py", f"{ours}/__main__.py")) and module != "pytest":
            raise block.fail(f"there is no module {module} to run")
    for word in words[2:]:
        if "/" in word and not word.startswith("-") and not (ROOT / word.partition("::")[0]).exists():
            raise block.fail(f"there is no {word}")


def make_targets() -> set[str]:
    """Return the phony targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    match = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    assert match is not None
    return set(match[1].split())


def variables_in_code() -> set[str]:
    """Return the environment variables that the SDK's source names."""
    found: set[str] = set()
    for file in (ROOT / "vantage_sdk").rglob("*.py"):
        found |= set(re.findall(VARIABLE, file.read_text(encoding="utf-8")))
    return found
