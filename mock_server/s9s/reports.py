"""Reports of the S9S family."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pydantic_core
from starlette.responses import Response
from typing_extensions import TypedDict

from mock_server.errors import invalid_field
from mock_server.incoming import in_thread
from mock_server.platform.download import download
from mock_server.platform.storage_requests import IF_MATCH, IF_RANGE, RANGE
from mock_server.routes import Call, Routes
from mock_server.s9s.artifacts import Artifact
from mock_server.s9s.links import absolute
from mock_server.s9s.report_data import BUILDERS
from mock_server.s9s.report_facts import collect
from mock_server.s9s.report_requests import ReportCreate
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import Any

    from mock_server.s9s.report_data import Report
    from mock_server.state import ServerState

SECONDS = 5.0
"""How long a report takes."""

AUTHOR = "S9S"
MEDIA = {"pdf": "application/pdf", "csv": "text/csv", "json": "application/json"}

routes = Routes("reports", prefix="/v1")


class ReportView(TypedDict):
    """A report; its address is known once it is completed."""

    report_id: str
    type: str
    format: str
    status: str
    created_at: str
    download_url: str | None


class ReportList(TypedDict):
    """Reports, the latest first."""

    reports: list[ReportView]
    total: int


@routes.post("/reports", status=201, conflicts=True)
async def create(call: Call[None, ReportCreate]) -> ReportView:
    """Generate report."""
    order, state = call.body, call.state
    for number, name in enumerate(order.parameters.partitions or ()):
        if name not in state.cluster.partitions:
            raise invalid_field(f"parameters.partitions.{number}", f"There is no partition {name[:100]!r}")
    now = state.time.now()
    delivery = None if order.delivery is None else order.delivery.model_dump(exclude_none=True)
    artifact = Artifact(
        id=state.next_id("rep"),
        filename=f"{order.type}.{order.format}",
        media=MEDIA[order.format],
        created_at=now,
        due_at=now + SECONDS,
        details={"type": order.type, "format": order.format, "delivery": delivery},
    )
    state.s9s.reports.order(artifact, lambda _: _content(state, order, now))
    return _view(call, artifact)


@routes.get("/reports")
async def list_(call: Call[None, None]) -> ReportList:
    """List reports."""
    reports = call.state.s9s.reports.all()
    call.saw_active_job = any(report.is_awaited for report in reports)
    return {"reports": [_view(call, report) for report in reports], "total": len(reports)}


@routes.get(
    "/reports/{report_id}/download",
    status=200,
    assumed=True,
    media=tuple(MEDIA.values()),
    conflicts=True,
    refusals=(412, 416),
    partial=True,
    headers=(RANGE, IF_RANGE, IF_MATCH),
)
async def download_(call: Call[None, None]) -> Response:
    """Download report."""
    file, reader = call.state.s9s.reports.open(call.path["report_id"])
    return download(call.request, file, reader, call.fault)


def _view(call: Call[Any, Any], artifact: Artifact) -> ReportView:
    ready = artifact.status == "completed"
    return {
        "report_id": artifact.id,
        "type": artifact.details["type"],
        "format": artifact.details["format"],
        "status": artifact.status,
        "created_at": iso(artifact.created_at),
        "download_url": absolute(call, f"/v1/reports/{artifact.id}/download") if ready else None,
    }


async def _content(state: ServerState, order: ReportCreate, now: float) -> AsyncGenerator[bytes, None]:
    parameters = order.parameters
    facts = await collect(state, *parameters.span(now), parameters.partitions)
    yield await in_thread(lambda: _rendered(BUILDERS[order.type](facts), order))


def _rendered(report: Report, order: ReportCreate) -> bytes:
    if order.format == "pdf":
        from mock_server.s9s.report_pdf import pdf

        return pdf(report, author=AUTHOR, charts=order.parameters.include_charts)
    return _as_csv(report) if order.format == "csv" else _as_json(report, order.type)


def _as_csv(report: Report) -> bytes:
    """Return the main table, since a file of several would be none."""
    text, table = io.StringIO(), report.tables[0]
    csv.writer(text, lineterminator="\r\n").writerows([table.columns, *table.rows])
    return text.getvalue().encode()


def _as_json(report: Report, kind: str) -> bytes:
    return pydantic_core.to_json(
        {
            "type": kind,
            "period": {"start": iso(report.start), "end": iso(report.end)},
            "figures": report.figures,
            "tables": {table.name: table.records() for table in report.tables},
        }
    )
