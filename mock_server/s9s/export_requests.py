"""What callers may ask for when they export data."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mock_server.errors import invalid_field
from mock_server.s9s.fields import upper
from mock_server.s9s.states import JobWord, NodeWord
from mock_server.validation import Instant, Maybe, StrictBody

ExportKind = Literal["jobs", "nodes", "users", "partitions"]
ExportFormat = Literal["csv", "json"]

FILTERS: dict[ExportKind, frozenset[str]] = {
    "jobs": frozenset({"state", "user", "partition", "start_time", "end_time"}),
    "nodes": frozenset({"state", "partition"}),
    "users": frozenset({"user"}),
    "partitions": frozenset({"state"}),
}
"""Which filters mean something for which kind."""

STATES: dict[ExportKind, tuple[str, ...]] = {
    "jobs": get_args(JobWord),
    "nodes": get_args(NodeWord),
    "users": (),
    "partitions": ("UP", "DOWN", "DRAIN", "INACTIVE"),
}
MAX_NAME = 200
UNSAFE = frozenset('/\\:*?"<>|')


def _plain(name: str) -> str:
    """Refuse what is more than the name of a file."""
    if name.strip(". ") == "" or any(char in UNSAFE or not char.isprintable() for char in name):
        raise PydanticCustomError("filename", "Must be a plain file name without a path")
    return name


def _delimiter(char: str) -> str:
    if char in '"\r\n\0':
        raise PydanticCustomError("delimiter", "Must not be a quote, a line break or a null")
    return char


class ExportFilter(StrictBody):
    """Which records to export; of jobs those that were submitted between the two times, both included."""

    state: Maybe[Annotated[str, BeforeValidator(upper)]] = None
    user: Maybe[str] = None
    partition: Maybe[str] = None
    start_time: Maybe[Instant] = None
    end_time: Maybe[Instant] = None


class ExportOptions(StrictBody):
    """How to write them; headers and delimiter are for CSV."""

    include_headers: bool = True
    delimiter: Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_delimiter)] = ","
    filename: Maybe[Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_plain)]] = None


class ExportCreate(StrictBody):
    """An order for an export."""

    type: ExportKind
    format: ExportFormat
    filter: ExportFilter = Field(default_factory=ExportFilter)
    fields: Maybe[Annotated[list[str], Field(min_length=1, max_length=100)]] = None
    options: ExportOptions = Field(default_factory=ExportOptions)

    def check(self, columns: tuple[str, ...]) -> None:
        """Refuse filters and fields that mean nothing for what is exported."""
        for name in self.filter.model_fields_set - FILTERS[self.type]:
            raise invalid_field(f"filter.{name}", f"There is no such filter of {self.type}", "unknown_field")
        states = STATES[self.type]
        if self.filter.state is not None and self.filter.state not in states:
            raise invalid_field("filter.state", f"Must be one of {', '.join(states)}")
        for number, name in enumerate(self.fields or ()):
            if name not in columns:
                raise invalid_field(f"fields.{number}", f"There is no column {name[:100]!r} of {self.type}")


def columns_of(order: ExportCreate, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to write, each once."""
    chosen: Any = default if order.fields is None else order.fields
    return tuple(dict.fromkeys(chosen))
