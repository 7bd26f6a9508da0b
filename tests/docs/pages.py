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
import sys
import textwrap
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.docs.blocks import Block, commands_of
from tests.docs.shell import Shell, finished
from vantage_sdk.base_client import AsyncClient, BlockingClient

_INSTALLS = re.compile(r"(git clone|cd|python3? -m venv|(\S*/)?(python3? -m )?pip install) \S.*|source \S+/activate")


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
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
        command += ["-p", "no:asyncio", "-p", "no:schemathesis"]  # of no use to readers, and slow to import
        done = finished([*command, "-c", os.devnull, "--rootdir", str(self.folder), str(file)])
        if done.returncode != 0 or " passed" not in done.stdout:
            raise block.fail(f"these tests do not pass:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _close(self, loop: asyncio.Runner) -> None:
        """Close what a page leaves open for brevity."""
        for thing in [*self.namespace.values()]:
            kind = type(thing).__name__
            if isinstance(thing, BlockingClient):
                thing.close()
            elif isinstance(thing, AsyncClient):
                loop.run(thing.aclose())
            elif kind == "MockServer":
                thing.stop()


def _must_install(block: Block) -> None:
    strange = [line for line in commands_of(block) if not _INSTALLS.fullmatch(line.partition("  #")[0].strip())]
    if block.kind != "bash" or strange:
        raise block.fail("only bash lines that install something may be left out")


def _must_match(block: Block, printed: str | None) -> None:
    if printed is None:
        raise block.fail("no block before this one printed anything")
    checker = doctest.OutputChecker()
    if not checker.check_output(block.text, printed, doctest.ELLIPSIS):
        raise block.fail(f"what is printed is:\n{textwrap.indent(printed, '    ')}\nand not:")


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
