"""Which files of a folder take part: globs over their relative paths.

A pattern is run as an automaton, all its states at once as the bits of a number, so that no pattern and no path takes
more steps than the path has characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from unicodedata import normalize

from vantage_sdk.core.transfer.paths import safe_text

_TOKEN = re.compile(r"(?P<stars>\*{2,})(?P<folders>/)?|\[(?P<within>[!^]?[^/][^\]/]*)\]|.", re.DOTALL)
_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)


class Wild(Enum):
    """What a token can be besides one letter or a class."""

    ONE = "?"
    STAR = "*"
    STARS = "**"
    FOLDERS = "**/"
    INSIDE = "**/ once it has begun"


@dataclass(frozen=True, slots=True)
class Class:
    """Letters in brackets, as ranges."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, body: str) -> Class:
        """Read what is between the brackets."""
        negated = len(body) > 1 and body[0] in "!^"
        found = _RANGE.findall(body[negated:])
        return cls(negated, tuple((first, last or first) for first, last in found))

    def takes(self, letter: str) -> bool:
        return any(first <= letter <= last for first, last in self.ranges) is not self.negated


Token = str | Wild | Class


class Filter:
    """What ``include`` names, or everything, without what ``exclude`` names.

    ``*`` and ``?`` stay within a segment, ``**`` does not, ``[a-z]`` and ``[!a-z]`` are one character.  A pattern
    without ``/`` is looked for in every folder, any other from the top.  A pattern that names a folder, and one that
    ends with ``/`` only can, means all below it.  Case counts.  Raises ``TypeError`` for anything but text or several
    texts, ``ValueError`` for an empty pattern or a backslash.
    """

    def __init__(self, include: Sequence[str] | None, exclude: Sequence[str] | None) -> None:
        self._include = None if include is None else _patterns(include, "include")
        self._exclude = () if exclude is None else _patterns(exclude, "exclude")

    def admits(self, relative: str) -> bool:
        """Tell whether the file at this relative path, with ``/`` between segments, takes part."""
        path = normalize("NFC", relative)
        if self._include is not None and not any(pattern.matches(path) for pattern in self._include):
            return False
        return not any(pattern.matches(path) for pattern in self._exclude)

    def excludes_folder(self, relative: str) -> bool:
        """Tell whether nothing below the folder at this relative path can take part, as ``exclude`` names it."""
        path = normalize("NFC", relative) + "/"
        return any(pattern.matches(path) for pattern in self._exclude)


def _patterns(given: Any, name: str) -> tuple[Pattern, ...]:
    single = isinstance(given, str) or not isinstance(given, Iterable)
    texts: list[Any] = [given] if single else list(given)  # pyright: ignore[reportUnknownArgumentType]
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} takes a pattern or several patterns as text, not {type(text).__name__}")
        if not text.strip("/"):
            raise ValueError(f"{name} has the pattern '{text}', which names nothing; leave it out")
        if "\\" in text:
            raise ValueError(
                f"{name} has a backslash in '{safe_text(text)}'; write '/' between folders, '[*]' for a plain '*'"
            )
    return tuple(Pattern(text) for text in texts)


class Pattern:
    """One glob."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(normalize("NFC", text))
        self._folders_only = text.endswith("/")
        self._accepting = 1 << len(self._tokens)
        self._stars = self._bits(Wild.STAR, Wild.STARS)
        self._optional = self._bits(Wild.FOLDERS)
        self._anywhere = self._bits(Wild.STARS, Wild.INSIDE)
        self._steps: dict[str, int] = {}

    def matches(self, path: str) -> bool:
        """Tell whether the pattern names the path or a folder above it; with a trailing ``/`` the path is a folder."""
        states = self._reach(1)
        for letter in path:
            if letter == "/" and states & self._accepting:
                return True
            step = self._steps.get(letter)
            if step is None:
                step = self._steps[letter] = self._taking(letter)
            stay = self._anywhere if letter == "/" else self._anywhere | self._stars
            states = self._reach((states & step) << 1 | states & stay)
            if not states:
                return False
        return not self._folders_only and bool(states & self._accepting)

    def _reach(self, states: int) -> int:
        """Add the states behind what may match nothing."""
        states |= (states & self._optional) << 2
        return states | (states & self._stars) << 1

    def _bits(self, *tokens: Wild) -> int:
        return sum(1 << place for place, token in enumerate(self._tokens) if token in tokens)

    def _taking(self, letter: str) -> int:
        """Return the states that this letter brings to the next one."""
        return sum(1 << place for place, token in enumerate(self._tokens) if _takes(token, letter))


def _takes(token: Token, letter: str) -> bool:
    if isinstance(token, str):
        return token == letter
    if token is Wild.FOLDERS:
        return True
    if letter == "/":
        return token is Wild.INSIDE
    return token.takes(letter) if isinstance(token, Class) else token is Wild.ONE


def _tokens(text: str) -> list[Token]:
    """Split a pattern into what takes one letter each, and stars."""
    body = text.removeprefix(".").rstrip("/") if text.startswith("./") else text.rstrip("/")
    body = body.removeprefix("/") if "/" in body else f"**/{body}"
    tokens: list[Token] = []
    for match in _TOKEN.finditer(body):
        begins = not tokens or tokens[-1] in ("/", Wild.INSIDE)
        if match["folders"] and begins:
            tokens.extend(() if tokens[-1:] == [Wild.INSIDE] else (Wild.FOLDERS, Wild.INSIDE))
        elif match["stars"]:
            tokens.extend((Wild.STARS, "/") if match["folders"] else (Wild.STARS,))
        elif match["within"] is not None:
            tokens.append(Class.of(match["within"]))
        else:
            tokens.append({"?": Wild.ONE, "*": Wild.STAR}.get(match[0], match[0]))
    return tokens
