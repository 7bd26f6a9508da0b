"""Exports of the S9S family."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NotRequired

from starlette.responses import Response
from typing_extensions import TypedDict

from mock_server.platform.download import download
from mock_server.platform.storage_requests import IF_MATCH, IF_RANGE, RANGE
from mock_server.routes import Call, Routes
from mock_server.s9s.artifacts import Artifact
from mock_server.s9s.export_columns import DEFAULT, KINDS, records
from mock_server.s9s.export_files import csv_pieces, json_pieces
from mock_server.s9s.export_requests import ExportCreate, columns_of
from mock_server.s9s.links import absolute
from mock_server.wire import iso

if TYPE_CHECKING:
    from typing import Any

LIFETIME = 24 * 3_600.0
"""Seconds after which an export is gone."""

SECONDS, RECORDS_PER_SECOND = 2.0, 10_000
"""How long an export takes at least, and how many records add a second."""

MEDIA = {"csv": "text/csv", "json": "application/json"}

routes = Routes("exports", prefix="/v1")


class ExportStatus(TypedDict):
    """An export; once it is completed, its size in bytes and in records."""

    export_id: str
    status: str
    download_url: str | None
    created_at: str
    expires_at: str
    file_size: NotRequired[int]
    record_count: NotRequired[int]
    completed_at: NotRequired[str]


@routes.post("/exports", status=201, assumed=True, conflicts=True)
async def create_here(call: Call[None, ExportCreate]) -> ExportStatus:
    """Export data, under the name that the other paths have."""
    return await create(call)


@routes.post("/export", status=201, conflicts=True)
async def create(call: Call[None, ExportCreate]) -> ExportStatus:
    """Export data."""
    order, state = call.body, call.state
    order.check(KINDS[order.type])
    columns = columns_of(order, DEFAULT[order.type])
    wanted = records(state, order.type, order.filter, columns)
    now = state.time.now()
    artifact = Artifact(
        id=state.next_id("exp"),
        filename=order.options.filename or f"{order.type}.{order.format}",
        media=MEDIA[order.format],
        created_at=now,
        due_at=now + SECONDS + len(wanted.subjects) // RECORDS_PER_SECOND,
    )
    if order.format == "csv":
        content = partial(csv_pieces, records=wanted, columns=columns, options=order.options)
    else:
        content = partial(json_pieces, records=wanted, columns=columns)
    state.s9s.exports.order(artifact, content)
    return _view(call, artifact)


@routes.get("/exports/{export_id}")
async def get(call: Call[None, None]) -> ExportStatus:
    """Get export status."""
    artifact = call.state.s9s.exports.get(call.path["export_id"])
    call.saw_active_job = artifact.is_awaited
    return _view(call, artifact)


@routes.get(
    "/exports/{export_id}/download",
    status=200,
    media=("text/csv", "application/json"),
    conflicts=True,
    refusals=(412, 416),
    partial=True,
    headers=(RANGE, IF_RANGE, IF_MATCH),
)
async def download_(call: Call[None, None]) -> Response:
    """Download export."""
    file, reader = call.state.s9s.exports.open(call.path["export_id"])
    return download(call.request, file, reader, call.fault)


def _view(call: Call[Any, Any], artifact: Artifact) -> ExportStatus:
    view: ExportStatus = {
        "export_id": artifact.id,
        "status": artifact.status,
        "download_url": None,
        "created_at": iso(artifact.created_at),
        "expires_at": iso(artifact.created_at + LIFETIME),
    }
    if artifact.completed_at is not None:
        view["download_url"] = absolute(call, f"/v1/exports/{artifact.id}/download")
        view["file_size"] = artifact.size
        view["record_count"] = artifact.records
        view["completed_at"] = iso(artifact.completed_at)
    return view
