"""Expansion of ``$NAME``, ``${NAME}`` and ``$?`` in the words of a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mock_server.cluster.shell.errors import ArgumentListTooLongError
from mock_server.cluster.shell.syntax import QUOTED_DOLLAR, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ARGUMENT_LIMIT = 131_072
"""Characters that the arguments of one command may have together."""

_VARIABLE = re.compile(rf"(?P<dollar>[${QUOTED_DOLLAR}])(?:\{{(?P<braced>\w+)\}}|(?P<bare>[A-Za-z_]\w*|\?))")
_FIELD_BREAK = chr(0x10FFF0)


def expand(words: Iterable[str], environment: Mapping[str, str], status: int) -> list[str]:
    """Return the arguments that the words stand for; an unquoted value is split at white space."""
    arguments: list[str] = []
    room = ARGUMENT_LIMIT
    for word in words:
        fields = [word] if word.isalnum() else _expand_word(word, environment, status, room)
        room -= sum(map(len, fields)) + len(fields)
        if room < 0:
            raise ArgumentListTooLongError
        arguments += fields
    return arguments


def _expand_word(word: str, environment: Mapping[str, str], status: int, room: int) -> list[str]:
    parts: list[str] = []
    position = 0
    split = False
    for match in _VARIABLE.finditer(word):
        name = match["braced"] or match["bare"]
        value = str(status) if name == "?" else environment.get(name, "")
        if match["dollar"] == "$":
            split = True
            value = _FIELD_BREAK.join(value.split())
        parts += (literal(word[position : match.start()]), value)
        position = match.end()
        room -= len(value)
        if room < 0:
            raise ArgumentListTooLongError
    text = "".join((*parts, literal(word[position:])))
    if not split:
        return [text]
    fields = [field for field in text.split(_FIELD_BREAK) if field]
    return fields or ([""] if QUOTED_DOLLAR in word else [])
