"""The fences of the documentation's pages."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(?P<info>[^`]*)$")
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>\S.*) -->")


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


def commands_of(block: Block) -> Iterator[str]:
    """Return the commands of a ``bash`` block, continued lines joined."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
