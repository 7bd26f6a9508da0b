"""Answers of slurmrestd, of which long lists are read entry by entry, so that others have their turn meanwhile."""

from __future__ import annotations

import asyncio
import json
import re
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pydantic_core

if TYPE_CHECKING:
    from collections.abc import Callable

TURN = 0.005
"""Seconds after which others have their turn."""

_decoder = json.JSONDecoder()
_gap = re.compile(r"[\s,]*")


class Reply:
    """Status and body of an answer."""

    def __init__(self, status_code: int, content: bytes | bytearray) -> None:
        self.status_code = status_code
        self.content = content

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def is_error(self) -> bool:
        return self.status_code >= 400

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Return what the body says, or raise ``ValueError``."""
        return self._said

    @cached_property
    def _said(self) -> Any:
        return pydantic_core.from_json(self.content)

    async def read_list(self, name: str, make: Callable[[dict[str, Any]], Any]) -> None:
        """Let the list of this name be what is made of each of its entries, but ``None``.

        A quote inside a text is written with a backslash, so what looks like the beginning of the list is.
        """
        text = self.text
        begin = re.search(rf'"{name}"\s*:\s*\[', text)
        if begin is None:
            return
        self.content = b""  # it is not needed twice meanwhile
        try:
            made, at = await _made(text, begin.end(), make)
            said: Any = json.loads(f"{text[: begin.end()]}{text[at:]}")
        except (ValueError, AttributeError):
            self.content = text.encode()
            return  # no such list after all, or cut short: whoever reads the whole is told
        if isinstance(said, dict):
            self.__dict__["_said"] = {**said, name: made}


async def _made(text: str, at: int, make: Callable[[dict[str, Any]], Any]) -> tuple[list[Any], int]:
    """Return what is made of the entries that begin at a place, and where they end."""
    made: list[Any] = []
    until, at = time.perf_counter() + TURN, _after(text, at)
    while text[at : at + 1] not in {"]", ""}:
        raw, at = _decoder.raw_decode(text, at)
        if (one := make(raw)) is not None:
            made.append(one)
        at = _after(text, at)
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + TURN
    return made, at


def _after(text: str, at: int) -> int:
    """Return where the next entry begins, or the end of the list."""
    found = _gap.match(text, at)
    return at if found is None else found.end()
