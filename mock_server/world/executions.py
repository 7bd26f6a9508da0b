"""What workflows did, and what left them; the latest only."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_server.pipelines.delivery import Delivery
    from mock_server.pipelines.engine import Run
    from mock_server.pipelines.results import Result

KEPT = 1000


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """One run."""

    workflow_id: int
    at: float
    status: str
    error: str | None
    result_id: str | None
    total_rows: int
    deliveries: tuple[Delivery, ...]


class Executions:
    """The latest runs, oldest first."""

    def __init__(self) -> None:
        self._records: deque[ExecutionRecord] = deque(maxlen=KEPT)

    def record(self, workflow_id: int, at: float, run: Run, result: Result | None) -> None:
        """Add a run."""
        self._records.append(
            ExecutionRecord(
                workflow_id,
                at,
                run.status,
                run.error,
                result.id if result else None,
                result.total_rows if result else 0,
                run.deliveries,
            )
        )

    def records(self) -> list[ExecutionRecord]:
        return list(self._records)
