"""Reports on the cluster as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_text
from vantage_sdk.core.deadline import Seconds
from vantage_sdk.core.request import CallOptions, Request, Safety, WaitOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.transfer.progress import Listener
from vantage_sdk.core.waiting import POLL_INTERVAL, Pace, per_call
from vantage_sdk.exceptions import ResourceNotFoundError
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_document import Report
from vantage_sdk.pagination import Page, whole_list_of
from vantage_sdk.s9s.bodies import plain
from vantage_sdk.s9s.documents import IN_MEMORY, Source, made

REPORTS = whole_list_of(Report, "reports")


class Reports(Resource[Mode]):
    """Reports of S9S, which can only be listed and not fetched one by one."""

    @method
    async def create(
        self: Reports[Async],
        type: str,
        *,
        format: str = "pdf",
        parameters: Mapping[str, Any] | None = None,
        delivery: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Report:
        """Have a report made, and return it with its ``report_id`` and ``status``.

        ``type``: of what, ``utilization`` for one; ``format``: default ``pdf``; ``parameters``: ``period``, ``start_date`` and
        ``end_date`` (text or ``date`` objects), ``partitions``, ``include_charts``; ``delivery``: ``method`` and ``email``;
        ``idempotency_key``: yours instead of a new one.

        Raises ``ValidationError`` if the server refuses it, ``SubmitOutcomeUnknown`` if the connection failed and it may be on
        its way.
        """
        wanted = {
            "type": as_text(type, "type"),
            "format": as_text(format, "format"),
            "parameters": None if parameters is None else plain(parameters, "parameters"),
            "delivery": None if delivery is None else plain(delivery, "delivery"),
        }
        body = {name: value for name, value in wanted.items() if value is not None}
        request = Request(
            "POST", "/reports", one(Report), json=body, safety=Safety.KEYED, idempotency_key=idempotency_key
        )
        return await self._send(request, options)

    @method
    async def list(self: Reports[Async], **options: Unpack[CallOptions]) -> Page[Report]:
        """Fetch all reports; returns a ``Page``, itself a sequence of ``Report``."""
        return await self._send(Request("GET", "/reports", REPORTS), options)

    @method
    async def wait(
        self: Reports[Async],
        report: str | Report,
        *,
        timeout: Seconds | None = None,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: Callable[[Report], object] | None = None,
        **options: Unpack[WaitOptions],
    ) -> Report:
        """Wait until a report is there, or has failed, and return it.

        ``report``: its id or itself; other parameters and errors as for ``exports.wait``.  Raises ``ResourceNotFoundError`` if it
        is not in the list.
        """
        pace, report_id = Pace(poll_interval, timeout, options), _id(report)
        look = partial(self._found, report_id, per_call(options, pace))
        return await made(self._sender, pace, look, on_update, f"reports.wait({report_id!r})")

    @method
    async def download(
        self: Reports[Async],
        report: str | Report,
        local_path: str | os.PathLike[str],
        *,
        resume: bool = False,
        progress_callback: Listener | None = None,
        progress: bool = False,
        **options: Unpack[CallOptions],
    ) -> Path:
        """Download a report that is there.

        ``report``: its id or itself; other parameters and errors as for ``exports.download``, but ``TransferError`` also if it is
        not there yet.
        """
        source = self._source(report, options)
        return await source.to_file(local_path, resume=resume, callback=progress_callback, progress=progress)

    @method
    async def download_to_bytes(
        self: Reports[Async], report: str | Report, *, max_bytes: int = IN_MEMORY, **options: Unpack[CallOptions]
    ) -> bytes:
        """Download a report into memory; ``report`` as for ``download``, ``max_bytes`` as for ``exports.download_to_bytes``."""
        return await self._source(report, options).to_bytes(max_bytes)

    def _source(self: Reports[Async], report: str | Report, options: Mapping[str, Any]) -> Source[Report]:
        report_id = _id(report)
        given = report if isinstance(report, Report) else None
        look = partial(self._found, report_id, options)
        return Source(self._sender, options, f"reports/{report_id}", look, given)

    async def _found(self: Reports[Async], report_id: str, options: Mapping[str, Any]) -> Report:
        for report in await self.list(**options):
            if report.report_id == report_id:
                return report
        raise ResourceNotFoundError(
            f"there is no report {self._sender.shown(report_id)}",
            status_code=404,
            code="RESOURCE_NOT_FOUND",
            method="GET",
            path=f"{self._sender.config.path_prefix}/reports",
        )


def _id(report: str | Report) -> str:
    return as_text(report.report_id if isinstance(report, Report) else report, "report")
