"""The books of an account: what was used in each month, and the invoices made of that.

Nothing is kept here.  What the clusters and the storage have booked never changes for a month that is over, so an
invoice is worked out whenever somebody looks, and is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from mock_server.world.errors import MissingError
from mock_server.world.prices import PRICES, Line, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.storage.store import Store

DAY = 86_400.0
DUE_DAYS = 14
FIRST = "inv_123"

Status = Literal["draft", "open", "paid", "void"]


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC, from its first instant to the first one of the next."""

    year: int
    number: int

    @classmethod
    def of(cls, instant: float) -> Month:
        day = datetime.fromtimestamp(instant, UTC)
        return cls(day.year, day.month)

    @property
    def start(self) -> float:
        return datetime(self.year, self.number, 1, tzinfo=UTC).timestamp()

    @property
    def end(self) -> float:
        return self.next().start

    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Invoice:
    """The bill for one month: a draft while it runs, then open, and paid on the day it is due."""

    id: str
    month: Month
    status: Status
    lines: tuple[Line, ...]

    @property
    def number(self) -> str:
        return f"INV-{self.month}"

    @property
    def amount(self) -> Decimal:
        return total(self.lines)

    @property
    def issued_at(self) -> float:
        return self.month.end

    @property
    def due_at(self) -> float | None:
        return None if self.status == "draft" else self.issued_at + DUE_DAYS * DAY

    @property
    def name(self) -> str:
        return self.number

    @property
    def created_at(self) -> float:
        """What the date filters and the order of a list go by."""
        return self.issued_at

    @property
    def updated_at(self) -> float:
        return self.issued_at + DUE_DAYS * DAY if self.status == "paid" else self.issued_at


class Books:
    """Looks at what was used, and bills it."""

    def __init__(
        self, cluster: ClusterBackend, storage: Callable[[], Store], now: Callable[[], float], *, seed: int
    ) -> None:
        self._cluster = cluster
        self._storage = storage
        self._now = now
        self._seed = seed

    def usage(self, start: float, end: float) -> tuple[Line, ...]:
        """Return what was used in a period, each month of it billed as an invoice would."""
        parts = [self._lines(month, max(start, month.start), min(end, month.end)) for month in self._months(start, end)]
        return tuple(sum((part[index] for part in parts), line(price, 0.0)) for index, price in enumerate(PRICES))

    def invoices(self) -> list[Invoice]:
        """Return the invoices of all months in which anything was used, the oldest first."""
        now, found = self._now(), list[Invoice]()
        for month in self._months(float("-inf"), now):
            lines = self._lines(month, month.start, month.end)
            if any(one.quantity for one in lines):
                found.append(Invoice(self._id(month, first=not found), month, _status(month, now), lines))
        return found

    def invoice(self, invoice_id: str) -> Invoice:
        for invoice in self.invoices():
            if invoice.id == invoice_id:
                return invoice
        raise MissingError("invoice", invoice_id)

    def _months(self, start: float, end: float) -> Iterator[Month]:
        """Yield the months of a period in which there was something to use."""
        begin, until = max(start, self._origin()), min(end, self._now())
        if begin > until:
            return
        month = Month.of(begin)
        while month.start <= until:
            yield month
            month = month.next()

    def _origin(self) -> float:
        first = [cluster.created_at for cluster in self._cluster.clusters.values()]
        stored = self._storage().catalogue.first_stored()
        return min(first if stored is None else [*first, stored], default=self._now())

    def _lines(self, month: Month, start: float, end: float) -> tuple[Line, ...]:
        until = max(start, min(end, self._now()))
        used = [self._cluster.usage(cluster_id, start, until) for cluster_id in self._cluster.clusters]
        stored = self._storage().catalogue.byte_seconds(start, until)
        amounts = (
            sum(one.cpu_hours for one in used),
            sum(one.gpu_hours for one in used),
            sum(one.memory_gb_hours for one in used),
            stored / 1e9 / (month.end - month.start),
        )
        return tuple(line(price, amount) for price, amount in zip(PRICES, amounts, strict=True))

    def _id(self, month: Month, *, first: bool) -> str:
        return FIRST if first else "inv_" + blake2b(f"{self._seed}:{month}".encode(), digest_size=6).hexdigest()


def total(lines: Sequence[Line]) -> Decimal:
    """Return what lines cost together, exactly."""
    return sum((one.cost for one in lines), line(PRICES[0], 0.0).cost)


def _status(month: Month, now: float) -> Status:
    if now < month.end:
        return "draft"
    return "open" if now < month.end + DUE_DAYS * DAY else "paid"
