"""What became of each thing in an operation on many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from vantage_sdk.exceptions import VantageAPIError
    from vantage_sdk.models.job import Job


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job: its new state, or the error."""

    job_id: str
    job: Job | None = None
    error: VantageAPIError | TypeError | ValueError | None = None

    @property
    def success(self) -> bool:
        """Tell whether the operation on this job went well."""
        return self.error is None

    @property
    def message(self) -> str:
        """Return ``ok``, or the text of the error."""
        return "ok" if self.error is None else str(self.error)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a batch."""

    total: int
    successful: int
    failed: int


@dataclass(frozen=True, slots=True)
class BatchResult(Sequence[Outcome]):
    """One outcome for each id, in the order they were given."""

    results: tuple[Outcome, ...]

    @property
    def summary(self) -> Summary:
        """Return how many there were, and how many of them went well and failed."""
        good = len(self.succeeded)
        return Summary(len(self.results), good, len(self.results) - good)

    @property
    def succeeded(self) -> list[Outcome]:
        """Return the outcomes that went well, in the order of the batch."""
        return [outcome for outcome in self.results if outcome.success]

    @property
    def failed(self) -> list[Outcome]:
        """Return the outcomes with an error, in the order of the batch."""
        return [outcome for outcome in self.results if not outcome.success]

    def raise_if_any_failed(self) -> None:
        """Raise the first error there is, with the number of the others as a note."""
        if errors := [outcome.error for outcome in self.failed if outcome.error is not None]:
            if errors[1:]:
                errors[0].add_note(f"and {len(errors) - 1} more of {len(self.results)} failed")
            raise errors[0]

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Outcome, ...]: ...
    def __getitem__(self, index: int | slice) -> Outcome | tuple[Outcome, ...]:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.results)
