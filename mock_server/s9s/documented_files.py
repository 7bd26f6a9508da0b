"""The export that the documented examples refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.s9s.artifacts import Artifact
from mock_server.s9s.export_columns import records
from mock_server.s9s.export_files import csv_rows
from mock_server.s9s.export_requests import ExportFilter

if TYPE_CHECKING:
    from mock_server.state import ServerState

MINUTE = 60.0
COLUMNS = ("job_id", "job_name", "user", "state", "runtime")


def documented_export(state: ServerState) -> tuple[Artifact, bytes]:
    """Return ``exp_abc123``, alice's completed jobs, and its bytes."""
    found = records(state, "jobs", ExportFilter(state="COMPLETED", user="alice"), COLUMNS)
    rows = [record for subject in found.subjects if (record := found.record(subject)) is not None]
    created = state.time.now() - 5 * MINUTE
    artifact = Artifact(
        id="exp_abc123",
        filename="alice_december_jobs.csv",
        media="text/csv",
        created_at=created,
        due_at=created + 135.0,
        records=len(rows),
    )
    return artifact, csv_rows([COLUMNS], ",") + csv_rows(([row[name] for name in COLUMNS] for row in rows), ",")
