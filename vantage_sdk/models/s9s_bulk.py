"""What became of each job in an operation of S9S on many."""

from __future__ import annotations

from pydantic import Field

from vantage_sdk.exceptions import VantageAPIError
from vantage_sdk.models.base import Model


class BulkOutcome(Model):
    """What became of one job; ``status`` is ``success`` or ``error``, and ``message`` says more."""

    job_id: str
    status: str | None = None
    message: str | None = None

    @property
    def success(self) -> bool:
        """Tell whether the operation on this job went well."""
        return self.status == "success"


class BulkSummary(Model):
    """Counts of a bulk operation, as the server has them."""

    total: int | None = None
    successful: int | None = None
    failed: int | None = None


class BulkResult(Model):
    """One outcome for each job, in the order of the ids, and the counts."""

    batch_id: str | None = None
    results: list[BulkOutcome] = Field(default_factory=list[BulkOutcome])
    summary: BulkSummary = Field(default_factory=BulkSummary)

    @property
    def succeeded(self) -> list[BulkOutcome]:
        """Return the outcomes that went well, in their order."""
        return [outcome for outcome in self.results if outcome.success]

    @property
    def failed(self) -> list[BulkOutcome]:
        """Return the other outcomes, in their order."""
        return [outcome for outcome in self.results if not outcome.success]

    def raise_if_any_failed(self) -> None:
        """Raise ``VantageAPIError`` with the message of the first job that failed, and the number of the others."""
        if failed := self.failed:
            more = f" (and {len(failed) - 1} more of {len(self.results)} failed)" if failed[1:] else ""
            raise VantageAPIError(f"job {failed[0].job_id}: {failed[0].message}{more}", code="bulk_failed")
