"""The kinds of values that requests of S9S have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from mock_server.s9s.durations import LONGEST, PATTERN, parse_duration
from mock_server.validation import whole
from mock_server.wire import MEMORY_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NUMBER = 1_000_000
MAX_PRIORITY = 2**32
MAX_TASKS = 10_000
_RANGE = re.compile(r"(\d{1,7})(?:-(\d{1,7})(?::(\d{1,7}))?)?", re.ASCII)
ARRAY_PATTERN = r"^\d{1,7}(-\d{1,7}(:\d{1,7})?)?(,\d{1,7}(-\d{1,7}(:\d{1,7})?)?)*(%\d{1,7})?$"


def _number(value: Any) -> Any:
    """Return the integer in text, which is accepted as well as a number."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,7}", value, re.ASCII) else whole(value)


def _identifier(value: Any) -> Any:
    """Return an id as text; one that looks like a number may be sent as one."""
    value = whole(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def parsed_duration(value: Any) -> Any:
    """Return the seconds in a text; what is no text is left as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except ValueError:
        raise PydanticCustomError("duration_parsing", "Must be a duration such as 2:15:30, 7-00:00:00 or 2h") from None


def _array(text: str) -> str:
    parse_array(text)
    return text


def parse_array(text: str) -> tuple[tuple[int, ...], int | None]:
    """Return the task ids in ``0-31%4`` or ``1,3,5-9:2``, and how many of them may run at once."""
    ranges, _, limit = text.partition("%")
    found = set[int]()
    for part in ranges.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise PydanticCustomError("array_parsing", "Must be task ids such as 0-31%4 or 1,3,5-9:2")
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if last < first or step == 0:
            raise PydanticCustomError("array_parsing", "Must have ranges that go up")
        if (last - first) // step >= MAX_TASKS:
            raise PydanticCustomError("array_size", "Must not have more than {limit} tasks", {"limit": MAX_TASKS})
        found.update(range(first, last + 1, step))
    if len(found) > MAX_TASKS:
        raise PydanticCustomError("array_size", "Must not have more than {limit} tasks", {"limit": MAX_TASKS})
    if limit and int(limit) == 0:
        raise PydanticCustomError("array_parsing", "Must let at least one task run at a time")
    return tuple(sorted(found)), int(limit) if limit else None


def _or_text(low: int, high: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": low, "maximum": high}
    return WithJsonSchema(
        {"anyOf": [number, {"type": "string", "pattern": "^0*[1-9][0-9]{0,5}$" if low else "^[0-9]{1,6}$"}]}
    )


Count = Annotated[int, Field(ge=0, le=MAX_NUMBER), BeforeValidator(_number), _or_text(0, MAX_NUMBER)]
Positive = Annotated[int, Field(ge=1, le=MAX_NUMBER), BeforeValidator(_number), _or_text(1, MAX_NUMBER)]
Priority = Annotated[int, Field(ge=0, le=MAX_PRIORITY), BeforeValidator(whole)]
JobId = Annotated[
    str,
    Field(min_length=1, max_length=100),
    BeforeValidator(_identifier),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 100}, {"type": "integer", "minimum": 0}]}
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=255)]
PathText = Annotated[str, Field(min_length=1, max_length=4096)]
Reason = Annotated[str, Field(max_length=1000)]
Memory = Annotated[str, Field(pattern=MEMORY_PATTERN)]
Duration = Annotated[
    float,
    Field(ge=0, le=LONGEST),
    BeforeValidator(parsed_duration),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0, "maximum": LONGEST}]}
    ),
]
ArrayText = Annotated[str, Field(pattern=ARRAY_PATTERN, max_length=1000), AfterValidator(_array)]


def upper(value: Any) -> Any:
    """Return a word in capitals, because case means nothing in a filter."""
    return value.upper() if isinstance(value, str) else value


def any_case(words: Iterable[str]) -> str:
    """Return the pattern of words whose case means nothing."""
    spelled = ("".join(f"[{char}{char.lower()}]" if char.isalpha() else char for char in word) for word in words)
    return f"^({'|'.join(spelled)})$"
