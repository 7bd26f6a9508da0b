"""Which bytes of a file are there already."""

from __future__ import annotations

from collections.abc import Iterable

CUT = 1 << 20


class Spans:
    """Stretches of a file of ``size`` bytes: sorted, apart from each other, their ends outside."""

    def __init__(self, size: int, done: Iterable[tuple[int, int]] = ()) -> None:
        self.size = size
        self._done: list[tuple[int, int]] = []
        for start, stop in done:
            self.add(start, stop)

    def add(self, start: int, stop: int) -> None:
        """Add a stretch, which may overlap others; raise ``ValueError`` for one that is not inside the file."""
        if not 0 <= start <= stop <= self.size:
            raise ValueError(f"{start} to {stop} is not inside {self.size} bytes")
        apart = [span for span in self._done if span[1] < start or span[0] > stop]
        near = [span for span in self._done if not (span[1] < start or span[0] > stop)]
        if start < stop:
            merged = min([start, *(span[0] for span in near)]), max([stop, *(span[1] for span in near)])
            self._done = sorted([*apart, merged])

    @property
    def total(self) -> int:
        """How many bytes are there."""
        return sum(stop - start for start, stop in self._done)

    @property
    def frontier(self) -> int:
        """How many are there from the beginning without a gap."""
        return self._done[0][1] if self._done and self._done[0][0] == 0 else 0

    def as_list(self) -> list[tuple[int, int]]:
        return list(self._done)

    def gaps(self, piece: int) -> list[tuple[int, int]]:
        """Return what is missing, in stretches of at most ``piece`` bytes."""
        missing: list[tuple[int, int]] = []
        at = 0
        for start, stop in [*self._done, (self.size, self.size)]:
            missing += [(first, min(first + piece, start)) for first in range(at, start, piece)]
            at = max(at, stop)
        return missing


def spans_of(value: object, size: int, there: int) -> Spans:
    """Return spans from what a journal holds, none if that is not valid or not in the ``there`` bytes of the file."""
    try:
        spans = Spans(size, [(int(start), int(stop)) for start, stop in value])  # type: ignore[attr-defined]
        return spans if all(stop <= there for _, stop in spans.as_list()) else Spans(size)
    except (TypeError, ValueError, OverflowError):
        return Spans(size)


def parts(size: int, count: int) -> list[tuple[int, int]]:
    """Return the bounds of ``count`` parts of about the same size, cut at whole MiB."""
    step = -(-size // (count * CUT)) * CUT
    return [(min(size, number * step), min(size, (number + 1) * step)) for number in range(count)]
