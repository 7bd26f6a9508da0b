"""Answers in JSON, of which long lists are read while they come, so that neither their text nor all of it is ever kept."""

from __future__ import annotations

import codecs
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import pydantic_core

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_REST = 16 * 2**20
"""Characters of one entry at most, and of all that is no entry."""

_decoder = json.JSONDecoder()
_gap = re.compile(r"[\s,]*")


class Entries:
    """The entries of the list called ``name``, each made into something, or ``None`` to leave it out, as it comes.

    A quote inside a text is written with a backslash, so what looks like the beginning of the list is.
    """

    def __init__(self, name: str, make: Callable[[dict[str, Any]], Any]) -> None:
        self._name = name
        self._make = make
        self._begin = re.compile(rf'"{name}"\s*:\s*\[')
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._head: str | None = None
        self._rest = ""
        self._is_over = False
        self._made: list[Any] = []
        self._failed: ValueError | None = None

    def feed(self, data: bytes) -> None:
        """Take in the next part of the text; of one that cannot be such a list the rest is not looked at."""
        if self._failed is not None:
            return
        try:
            self._feed(data)
        except ValueError as error:
            self._failed = error

    def end(self) -> Any:
        """Return what the whole text says, with what was made of the entries in their place, or raise ``ValueError``."""
        if self._failed is not None:
            raise self._failed
        said: Any = json.loads(f"{self._head or ''}{self._rest}")
        return {**cast("dict[str, Any]", said), self._name: self._made} if self._is_over else said

    def _feed(self, data: bytes) -> None:
        self._rest += self._characters.decode(data)
        if self._head is None and (found := self._begin.search(self._rest)):
            self._head, self._rest = self._rest[: found.end()], self._rest[found.end() :]
        if self._head is not None and not self._is_over:
            self._take()
        if len(self._rest) > MAX_REST:
            raise ValueError(f"what is not an entry of {self._name} is too long")

    def _take(self) -> None:
        """Make what has come whole."""
        text, at = self._rest, _after(self._rest, 0)
        while text[at : at + 1] not in {"]", ""}:
            try:
                raw, at = _decoder.raw_decode(text, at)
            except ValueError:
                break  # the other part of it is still to come
            if (one := self._one(raw)) is not None:
                self._made.append(one)
            at = _after(text, at)
        self._is_over = text[at : at + 1] == "]"
        self._rest = text[at:]

    def _one(self, raw: Any) -> Any:
        try:
            return self._make(raw)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"an entry of {self._name} cannot be read: {type(error).__name__}") from error


class Reply:
    """Status and body of an answer; a body that was read as it came is in ``entries``."""

    def __init__(self, status_code: int, content: bytes | bytearray, entries: Entries | None = None) -> None:
        self.status_code = status_code
        self.content = content
        self._entries = entries

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def is_error(self) -> bool:
        return self.status_code >= 400

    def json(self) -> Any:
        """Return what the body says, or raise ``ValueError``."""
        return self._said

    @cached_property
    def _said(self) -> Any:
        return pydantic_core.from_json(self.content) if self._entries is None else self._entries.end()


def _after(text: str, at: int) -> int:
    """Return where the next entry begins, or the end of the list."""
    found = _gap.match(text, at)
    return at if found is None else found.end()
