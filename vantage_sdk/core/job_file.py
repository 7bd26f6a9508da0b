"""Job files: YAML or JSON in, plain data out; whatever could mean something else than it looks like is an error.

Rule 1: every error names file, line, column, what is wrong and the way out, and is a ``JobFileError``.
Rule 2: nothing is evaluated or expanded; the data is never larger than the file.
Rule 3: an unquoted scalar that YAML 1.1 and 1.2 read differently is refused rather than guessed.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn, cast

import yaml
from yaml.reader import ReaderError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000
SHOWN = 80

LONGEST_NUMBER = 300
HALF_A_CHARACTER = "an escape is half of a surrogate pair, which is no character; write the character itself"

_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_AMBIGUOUS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), problem)
    for pattern, problem in (
        ("yes|no|on|off", "is a truth value to some readers; write true or false, or quote it"),
        (r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", "is a number to base 60 to some readers; quote it"),
        ("[-+]?0[0-9]+", "is an octal number to some readers; drop the leading zeros, or quote it"),
        ("[-+]?0[bo][0-9_]+|[-+]0x[0-9a-f_]+", "is a number to some readers; quote it"),
        ("[0-9]{4}-[0-9]{2}-[0-9]{2}", "is a date to some readers; quote it"),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(t|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*",
         "is a time to some readers; quote it"),
        (r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?", "is a number to some readers; write it out or quote it"),
        (r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?(e[-+][0-9]+)?|\.[0-9][0-9_]*(e[-+][0-9]+)?|0x[0-9a-f_]+",
         "is a number to some readers; leave out '_' or quote it"),
        (r"[-+]?\.inf|\.nan", "is no number in JSON, in which jobs are sent; quote it if it is text"),
        ("<<|=", "has a special meaning to some readers; quote it"),
    )
)  # fmt: skip
_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}:,]|[^\s"\[\]{}:,]+', re.DOTALL)
_JSON_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_OPENING, _CLOSING, _PUNCTUATION = frozenset("{["), frozenset("}]"), frozenset("}]:,")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JobFileError(ValueError):
    """A job file cannot be used; the message says where, why, and what to write instead."""


def load_job_file(text: bytes, name: str) -> dict[str, Any]:
    """Return the mapping in a job file; ``name`` appears in errors and tells JSON (``*.json``) from YAML.

    Raises ``JobFileError`` for more than 1 MiB, 32 levels or 10,000 nodes, for anything but one mapping with text as
    keys, and for duplicate keys, anchors and aliases, tags, and ambiguous scalars.  Aliases are refused altogether
    instead of capped: a few bytes of them stand for megabytes, and no job needs them.
    """
    source = _Source(name)
    if len(text) > MAX_BYTES:
        source.fail(0, 0, f"the file has more than {MAX_BYTES} bytes; a job file describes a job, put data elsewhere")
    try:
        content = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        read = text[: error.start]
        line, column = read.count(b"\n"), len(read) - (read.rfind(b"\n") + 1)
        source.fail(line, column, "the file is not UTF-8; save it in that encoding")
    if name.lower().endswith(".json"):
        return _Json(source, content).load()
    return _Yaml(source, content).load()


class _Source:
    """What both formats share: the name of the file, the limits, and how errors read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes = 0

    def fail(self, line: int, column: int, problem: str) -> NoReturn:
        raise JobFileError(f"{self.name}:{line + 1}:{column + 1}: {problem}") from None

    def excess(self, depth: int) -> str | None:
        """Count one more key or value; return the problem if that is one too many."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            return f"the file has more than {MAX_NODES} keys and values; put data elsewhere"
        return f"there are more than {MAX_DEPTH} levels here; make it flatter" if depth > MAX_DEPTH else None


def _place(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position), position - (text.rfind("\n", 0, position) + 1)


def _shown(text: str) -> str:
    shown = ascii(text[:SHOWN])
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 3] + "..."


def _is_too_large(number: str) -> bool:
    return len(number) > LONGEST_NUMBER or math.isinf(float(number))


class _Yaml:
    """Builds data from parser events, so no constructor of PyYAML ever runs."""

    def __init__(self, source: _Source, content: str) -> None:
        self._source = source
        try:
            self._loader: Any = yaml.SafeLoader(content)
        except ReaderError as error:
            code = f"U+{ord(content[error.position]):04X}"
            source.fail(*_place(content, error.position), f"{code} is not allowed; write it as an escape in quotes")

    def load(self) -> dict[str, Any]:
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._source.fail(0, 0, "the file is empty; it should hold one mapping, as in 'name: my-job'")
        top = self._next()
        if not isinstance(top, yaml.MappingStartEvent):
            self._fail(top, "the top level must be a mapping, as in 'name: my-job'")
        data: dict[str, Any] = self._node(top, 1)
        self._next()
        if not isinstance(end := self._next(), yaml.StreamEndEvent):
            self._fail(end, "a second document begins here; keep one job to a file")
        return data

    def _next(self) -> Any:
        try:
            return self._loader.get_event()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark or self._loader.get_mark()
            line, column, problem = mark.line, mark.column, error.problem or error.context
        except (ValueError, OverflowError):  # an escape beyond Unicode, a version of thousands of digits
            line, column, problem = self._loader.line, self._loader.column, "a number is out of range"
        return self._source.fail(line, column, f"no valid YAML: {problem}; check quotes, brackets and indentation")

    def _fail(self, event: Any, problem: str) -> NoReturn:
        self._source.fail(event.start_mark.line, event.start_mark.column, problem)

    def _node(self, event: Any, depth: int) -> Any:
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if problem := self._source.excess(0 if is_scalar else depth):
            self._fail(event, problem)
        if event.anchor is not None:  # an alias has one too
            self._fail(event, "anchors (&) and aliases (*) are not supported; write the value out, or quote it")
        if event.tag is not None:
            self._fail(event, f"tags ({_shown(event.tag)}) are not supported; leave the tag out, or quote the value")
        if is_scalar:
            return self._scalar(event)
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, str):
                self._fail(event, "a key must be text; put quotes around a number or a word like null")
            if key in data:
                self._fail(event, f"the key {_shown(key)} is on line {lines[key]} already; keep one of them")
            lines[key] = event.start_mark.line + 1
            data[key] = self._node(self._next(), depth + 1)
        return data

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            if _SURROGATE.search(text):
                self._fail(event, HALF_A_CHARACTER)
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if (is_int := _INT.fullmatch(text)) or _FLOAT.fullmatch(text):
            if _is_too_large(text):
                self._fail(event, "this number is too large; quote it if it is text")
            return int(text) if is_int else float(text)
        if _HEX.fullmatch(text) and len(text) <= LONGEST_NUMBER:
            return int(text, 16)
        for pattern, problem in _AMBIGUOUS:
            if len(text) <= LONGEST_NUMBER and pattern.fullmatch(text):
                self._fail(event, f"unquoted {_shown(text)} {problem}")
        return text


class _Json:
    """Looks at the tokens for what ``json`` would let pass, then leaves the parsing to it."""

    def __init__(self, source: _Source, content: str) -> None:
        self._source = source
        self._content = content

    def load(self) -> dict[str, Any]:
        self._scan()
        try:
            data = json.loads(self._content)
        except json.JSONDecodeError as error:
            line, column = error.lineno - 1, error.colno - 1
            return self._source.fail(line, column, f"no valid JSON: {error.msg}; check commas, quotes and brackets")
        if not isinstance(data, dict):
            self._source.fail(0, 0, 'the top level must be an object, as in {"name": "my-job"}')
        return cast("dict[str, Any]", data)

    def _scan(self) -> None:
        keys: list[set[str]] = []
        last, text = None, None
        for match in _JSON_TOKEN.finditer(self._content):
            token = match[0]
            if token in _OPENING:
                keys.append(set())
            elif token in _CLOSING:
                del keys[-1:]
            elif token == ":" and last and text is not None and keys:
                self._key(last, text, keys[-1])
            if token not in _PUNCTUATION and (problem := self._source.excess(len(keys))):
                self._fail(match, problem)
            last, text = match, self._scalar(match)

    def _key(self, match: re.Match[str], key: str, seen: set[str]) -> None:
        if key in seen:
            self._fail(match, f"the key {_shown(key)} is there twice; keep one of them")
        seen.add(key)

    def _scalar(self, match: re.Match[str]) -> str | None:
        """Refuse what is no JSON or cannot be sent; return the value of a string."""
        token = match[0]
        if token[0] == '"':
            return self._string(match)
        if token in ("NaN", "Infinity", "-Infinity"):
            self._fail(match, f"{token} is no JSON; use null or a number")
        if _JSON_NUMBER.fullmatch(token) and _is_too_large(token):
            self._fail(match, "this number is too large; quote it if it is text")
        return None

    def _string(self, match: re.Match[str]) -> str | None:
        try:
            text: str = json.loads(match[0])
        except json.JSONDecodeError:
            return None  # reported with the rest
        if _SURROGATE.search(text):
            self._fail(match, HALF_A_CHARACTER)
        return text

    def _fail(self, match: re.Match[str], problem: str) -> NoReturn:
        self._source.fail(*_place(self._content, match.start()), problem)
