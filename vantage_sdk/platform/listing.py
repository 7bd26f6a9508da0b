"""What the lists of the platform have in common: filters, and how they are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from vantage_sdk.core import listing as core
from vantage_sdk.core.arguments import Time, as_time, own
from vantage_sdk.core.request import CallOptions
from vantage_sdk.platform.sorting import as_sort

T = TypeVar("T")


class ListFilters(CallOptions, total=False):
    """What a list can be narrowed and sorted by.

    ``created_after``, ``created_before``, ``updated_after``, ``updated_before``: ISO 8601 text or an aware ``datetime``, bounds
    excluded; ``sort``: ``created_at``, ``updated_at`` or ``name``, with a leading ``-`` for descending, default
    ``-created_at``.
    """

    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    sort: str | None


_FILTERS = own(ListFilters)


def period(after: Time | None, before: Time | None) -> dict[str, str | datetime | None]:
    """Return the query of a period; raise ``TypeError`` or ``ValueError`` for what is no time."""
    return {"created_after": as_time(after, "created_after"), "created_before": as_time(before, "created_before")}


def _checked(name: str, value: Any) -> Any:
    if name == "sort":
        return as_sort(value)
    return as_time(value, name) if name.endswith(("_after", "_before")) else value


@dataclass(frozen=True, slots=True)
class Listing(core.Listing[T]):
    """One list of the platform, whose times and sort keys are checked."""

    filters: tuple[str, ...] = _FILTERS
    check: Callable[[str, Any], Any] = _checked
