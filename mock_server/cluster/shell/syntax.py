"""Shell syntax: a command line into simple commands, redirections and what joins them.

Quoted text reaches the tokenizer with its special characters moved to private code points, so that an operator found
afterwards is a real one.  ``expansion`` moves them back.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from mock_server.cluster.shell.errors import ShellSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator

Connector = Literal[";", "&&", "||"]

_PRIVATE = 0x10F000
_SPECIAL = "$;&|<>\n#`("
_TO_PRIVATE = {ord(char): chr(_PRIVATE + ord(char)) for char in _SPECIAL}
_TO_PRIVATE_IN_DOUBLE_QUOTES = {code: private for code, private in _TO_PRIVATE.items() if chr(code) not in "`("}
_FROM_PRIVATE = {_PRIVATE + ord(char): char for char in _SPECIAL}

QUOTED_DOLLAR = chr(_PRIVATE)
_STDERR = chr(_PRIVATE + 1)

_SPAN = re.compile(
    r"""
    (?P<comment> (?<![^\s;&|]) \#[^\n]* )
    | \\ (?P<escaped> . )
    | ' (?P<single> [^']* ) '
    | " (?P<double> (?: \\. | [^"\\] )* ) "
    | (?P<descriptor> (?<![^\s;&|]) [12] ) (?=>)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATOR = re.compile(rf"&&|\|\||&>>?|{_STDERR}?>[>&]?|[;&|<\n]")
_PUNCTUATION = f";&|<>\n{_STDERR}"
_COMPOUND = frozenset({"for", "while", "until", "if", "case", "select", "function", "{", "}", "!", "[["})


@dataclass(frozen=True, slots=True)
class Redirect:
    """``>`` and its relatives: which stream goes where; a ``target`` of ``&1`` or ``&2`` is the other stream."""

    stream: Literal[1, 2]
    target: str
    append: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command, unexpanded.  An ``opaque`` one uses syntax beyond this shell and runs as a program."""

    connector: Connector
    words: tuple[str, ...]
    redirects: tuple[Redirect, ...] = ()
    opaque: bool = False


@dataclass(slots=True)
class _Draft:
    words: list[str] = field(default_factory=list[str])
    redirects: list[Redirect] = field(default_factory=list[Redirect])
    opaque: bool = False

    def __bool__(self) -> bool:
        return bool(self.words or self.redirects)


def literal(text: str) -> str:
    """Return quoted text as it was written."""
    return text.replace(QUOTED_DOLLAR, "$").translate(_FROM_PRIVATE)


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[Command, ...]:
    """Parse a command line; ``&`` joins like ``;``, and a compound command makes all of it one opaque program."""
    try:
        commands = tuple(_commands(_tokens(text)))
    except ValueError as error:
        raise ShellSyntaxError(f"syntax error: {error}") from error
    if any(_is_compound(command) for command in commands):
        return (Command(";", tuple(text.split()), opaque=True),)
    return commands


def _is_compound(command: Command) -> bool:
    return bool(command.words) and (command.words[0] in _COMPOUND or command.words[0].startswith("("))


def _tokens(text: str) -> Iterator[str]:
    lexer = shlex.shlex(_SPAN.sub(_protect, text), posix=True, punctuation_chars=_PUNCTUATION)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    for token in lexer:
        if token and token[0] in _PUNCTUATION:
            yield from _OPERATOR.findall(token)
        else:
            yield token


def _protect(match: re.Match[str]) -> str:
    kind = match.lastgroup
    inner = match[kind] if kind else ""
    if kind == "single":
        return f"'{inner.translate(_TO_PRIVATE)}'"
    if kind == "double":
        escaped = re.sub(r"\\([$`])", lambda found: found[1].translate(_TO_PRIVATE), inner)
        return f'"{escaped.replace("$", QUOTED_DOLLAR).translate(_TO_PRIVATE_IN_DOUBLE_QUOTES)}"'
    if kind == "escaped":
        return "" if inner == "\n" else "\\" + inner.translate(_TO_PRIVATE)
    if kind == "descriptor":
        return _STDERR if inner == "2" else ""
    return ""


def _commands(tokens: Iterator[str]) -> Iterator[Command]:
    draft = _Draft()
    connector: Connector = ";"
    for piece in tokens:
        if piece in {";", "&", "&&", "||"}:
            if not draft:
                raise ShellSyntaxError(f"syntax error near unexpected token `{piece}'")
            yield _finished(draft, connector)
            draft, connector = _Draft(), _connector(piece)
        elif piece == "\n":
            if draft:
                yield _finished(draft, connector)
                draft, connector = _Draft(), ";"
        elif piece in {"|", "<"}:
            draft.opaque = True
        elif piece and (piece[0] in "&>" or piece[0] == _STDERR):
            draft.redirects.extend(_redirects(piece, next(tokens, None)))
        else:
            draft.words.append(piece)
    if draft:
        yield _finished(draft, connector)
    elif connector != ";":
        raise ShellSyntaxError("syntax error: unexpected end of file")


def _connector(piece: str) -> Connector:
    return "&&" if piece == "&&" else "||" if piece == "||" else ";"


def _finished(draft: _Draft, connector: Connector) -> Command:
    opaque = draft.opaque or any("`" in word or "$(" in word or f"{QUOTED_DOLLAR}(" in word for word in draft.words)
    return Command(connector, tuple(draft.words), tuple(draft.redirects), opaque)


def _redirects(operator: str, target: str | None) -> list[Redirect]:
    if target is None or (target and target[0] in _PUNCTUATION):
        raise ShellSyntaxError(f"syntax error near unexpected token `{target or 'newline'}'")
    stream: Literal[1, 2] = 2 if operator[0] == _STDERR else 1
    append = operator.endswith(">>")
    if operator.endswith(">&") and target in {"1", "2"}:
        return [Redirect(stream, f"&{target}")]
    if operator[0] == "&" or operator.endswith(">&"):
        return [Redirect(1, target, append), Redirect(2, "&1")]
    return [Redirect(stream, target, append)]
