"""Reads the pages of the documentation and runs what they show; nothing is skipped without a reason in the page.

What a fence means:

``python``        is executed; blocks of one page share a namespace, top-level ``await`` included.  A block that defines
                  tests is given to pytest in a process of its own.
``text``          is exactly what the block before it prints; ``...`` stands for anything.
``bash``          ``make``, ``vantage-mock``, ``curl``, ``export`` and ``python -m`` lines, see ``Shell``.
``yaml FILE``     and ``toml FILE`` and ``json FILE``: written to the file, which later blocks use; without a name only parsed.

``<!-- not run: reason -->`` in front of a fence is for lines of ``bash`` that install something, and for nothing else.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
BIN = Path(sys.executable).parent
SERVER = "http://127.0.0.1:8000"
"""How the pages write the address of a server that listens on the default port."""

_FENCE = re.compile(r"^```(?P<info>[^`]*)$")
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>\S.*) -->")
_INSTALLS = re.compile(r"(git clone|cd|python3? -m venv|(\S*/)?(python3? -m )?pip install) \S.*|source \S+/activate")


class PageError(AssertionError):
    """A page shows something that is not so."""


@dataclass
class Block:
    """One fence of a page; ``line`` is that of its first line of content."""

    page: Path
    line: int
    kind: str
    name: str
    text: str
    not_run: str | None = None

    def fail(self, problem: str) -> PageError:
        return PageError(f"{self.page.name}:{self.line}: {problem}\n{textwrap.indent(self.text, '    ')}")


def blocks_of(page: Path) -> list[Block]:
    """Return the fences of a page in order; raise ``PageError`` for one that is not closed or has no language."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number, reason = 0, None
    while number < len(lines):
        line = lines[number]
        number += 1
        if remark := _NOT_RUN.fullmatch(line.strip()):
            reason = remark["reason"]
        elif fence := _FENCE.fullmatch(line):
            try:
                end = lines.index("```", number)
            except ValueError:
                raise PageError(f"{page.name}:{number}: this fence is not closed") from None
            kind, _, name = fence["info"].strip().partition(" ")
            text = "\n".join(lines[number:end]) + "\n"
            found.append(Block(page, number + 1, kind, name.strip(), text, reason))
            number, reason = end + 1, None
        elif line.strip():
            reason = None
    return found


@dataclass
class Session:
    """One page while it runs: its namespace, its event loop, its folder and the servers it has started."""

    folder: Path
    base_url: str
    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    printed: str | None = None
    ran: int = 0

    def run(self, blocks: list[Block]) -> None:
        """Run the blocks in order; raise ``PageError``, or what a block raises, at the first that is not as it says."""
        with contextlib.chdir(self.folder), asyncio.Runner() as loop, Shell(self.base_url) as shell:
            try:
                for block in blocks:
                    self._run(block, loop, shell)
            finally:
                self._close(loop)

    def _run(self, block: Block, loop: asyncio.Runner, shell: Shell) -> None:
        printed, self.printed = self.printed, None
        if block.not_run is not None:
            _must_install(block)
        elif block.kind == "python":
            self.printed = self._pytest(block) if _has_tests(block) else self._python(block, loop)
        elif block.kind == "bash":
            self.printed = shell.run(block)
        elif block.kind == "text":
            _must_match(block, printed)
        elif block.kind in ("yaml", "toml", "json"):
            _write(block, self.folder)
        else:
            raise block.fail(f"a fence of kind {block.kind!r} is neither run nor checked")
        self.ran += 1

    def _python(self, block: Block, loop: asyncio.Runner) -> str:
        source = "\n" * (block.line - 1) + block.text
        code = compile(source, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            outcome = eval(code, self.namespace)
            if inspect.iscoroutine(outcome):
                loop.run(outcome)
        return out.getvalue()

    def _pytest(self, block: Block) -> str:
        file = self.folder / f"test_line_{block.line}.py"
        file.write_text(block.text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio"]
        done = _finished([*command, "-c", os.devnull, "--rootdir", str(self.folder), str(file)])
        if done.returncode != 0 or " passed" not in done.stdout:
            raise block.fail(f"these tests do not pass:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _close(self, loop: asyncio.Runner) -> None:
        """Close what a page leaves open for brevity."""
        for thing in [*self.namespace.values()]:
            kind = type(thing).__name__
            if kind == "VantageClient":
                thing.close()
            elif kind == "AsyncVantageClient":
                loop.run(thing.aclose())
            elif kind == "MockServer":
                thing.stop()


class Shell:
    """Runs lines of ``bash`` blocks.

    ``make TARGET`` must name a target; ``vantage-mock`` is started on a free port and stopped at the end of the page; ``curl``
    is run against the last server that the page has started, else the page's own; ``export`` must name variables that the
    code reads; ``python -m`` must name a module and paths that exist.
    """

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self._running:
            process.terminate()
            process.communicate(timeout=10)

    def run(self, block: Block) -> str:
        printed = ""
        for command in _commands(block):
            words = shlex.split(command, comments=True)
            program = words[0].removeprefix(".venv/bin/") if words else ""
            if not words:
                continue
            if program == "make":
                _must_have_targets(block, words[1:])
            elif program == "vantage-mock" and "--help" in words:
                printed += _finished([str(BIN / program), *words[1:]]).stdout
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
            [str(BIN / "vantage-mock"), "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._running.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first.startswith("Listening on http://127.0.0.1:"):
            raise block.fail(f"the server does not start: {first}")
        self._url = first.removeprefix("Listening on ").strip()
        return first.replace(self._url, SERVER)

    def _curl(self, block: Block, command: str) -> str:
        done = _finished(["bash", "-c", command.replace("curl ", "curl --fail-with-body ", 1).replace(SERVER, self._url)])
        if done.returncode != 0:
            raise block.fail(f"curl ends with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.replace(self._url, SERVER) + ("" if done.stdout.endswith("\n") else "\n")


def _finished(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _commands(block: Block) -> Iterator[str]:
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def _must_install(block: Block) -> None:
    strange = [line for line in _commands(block) if not _INSTALLS.fullmatch(line.partition("  #")[0].strip())]
    if block.kind != "bash" or strange:
        raise block.fail("only bash lines that install something may be left out")


def _must_match(block: Block, printed: str | None) -> None:
    if printed is None:
        raise block.fail("no block before this one printed anything")
    checker = doctest.OutputChecker()
    if not checker.check_output(block.text, printed, doctest.ELLIPSIS):
        raise block.fail(f"what is printed is:\n{textwrap.indent(printed, '    ')}\nand not:")


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


def _has_tests(block: Block) -> bool:
    return bool(re.search(r"^(async )?def test_", block.text, re.MULTILINE))


def _write(block: Block, folder: Path) -> None:
    parse: dict[str, Any] = {"yaml": yaml.safe_load, "toml": tomllib.loads, "json": json.loads}
    parse[block.kind](block.text)
    if not block.name:
        return
    if block.name.startswith("~/.config/"):
        file = Path(os.environ["XDG_CONFIG_HOME"]) / block.name.removeprefix("~/.config/")
    else:
        file = folder / block.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")
    file.chmod(0o600)


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
        found |= set(re.findall(r"\b(?:VANTAGE|SSL_CERT|XDG)_[A-Z_]+\b", file.read_text(encoding="utf-8")))
    return found
