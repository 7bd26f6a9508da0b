"""What all lists of the platform family have in common: paging, date filters, order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from pydantic import Field

from mock_server.validation import Instant, QueryCount, QueryNumber, StrictQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_LIMIT = 100

SortKey = Literal["created_at", "updated_at", "name", "-created_at", "-updated_at", "-name"]


class Listed(Protocol):
    """What an object needs to be in a list."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> float: ...
    @property
    def updated_at(self) -> float: ...


Item = TypeVar("Item", bound=Listed)
Thing = TypeVar("Thing")


class Paging(StrictQuery):
    """Which part of a list."""

    limit: QueryNumber = Field(default=50, description="Page size; more than 100 is taken as 100.")
    offset: QueryCount | None = Field(default=None, description="Items to skip; wins over page.")
    page: QueryNumber | None = Field(default=None, description="Page number from 1.")

    @property
    def size(self) -> int:
        return min(self.limit, MAX_LIMIT)

    @property
    def start(self) -> int:
        return self.offset if self.offset is not None else ((self.page or 1) - 1) * self.size

    @property
    def number(self) -> int:
        """The page to report, counted from 1."""
        return self.start // self.size + 1

    def cut(self, items: list[Thing]) -> list[Thing]:
        return items[self.start : self.start + self.size]


class Dates(StrictQuery):
    """When an object was made and changed; the bounds themselves are outside."""

    created_after: Instant | None = Field(default=None, description="Only what was created after this instant.")
    created_before: Instant | None = Field(default=None, description="Only what was created before this instant.")
    updated_after: Instant | None = Field(default=None, description="Only what was changed after this instant.")
    updated_before: Instant | None = Field(default=None, description="Only what was changed before this instant.")

    def admits(self, item: Listed) -> bool:
        return (
            (self.created_after is None or item.created_at > self.created_after)
            and (self.created_before is None or item.created_at < self.created_before)
            and (self.updated_after is None or item.updated_at > self.updated_after)
            and (self.updated_before is None or item.updated_at < self.updated_before)
        )


class Period(Dates):
    """A period, from the latest lower bound to the earliest upper one; a bound that is not given is ``None``."""

    @property
    def start(self) -> float | None:
        return max((bound for bound in (self.created_after, self.updated_after) if bound is not None), default=None)

    @property
    def end(self) -> float | None:
        return min((bound for bound in (self.created_before, self.updated_before) if bound is not None), default=None)


class Listing(Paging, Dates):
    """The common parameters of a list."""

    sort: SortKey = Field(default="-created_at", description="Order; a leading minus reverses it.")

    def select(self, items: Iterable[Item], wanted: Callable[[Item], bool]) -> list[Item]:
        """Return the items that pass, in order; equals are ordered by id."""
        chosen = [item for item in items if wanted(item) and self.admits(item)]
        chosen.sort(key=lambda item: item.id)
        key = self.sort.lstrip("-")
        chosen.sort(key=lambda item: getattr(item, key), reverse=self.sort.startswith("-"))
        return chosen
