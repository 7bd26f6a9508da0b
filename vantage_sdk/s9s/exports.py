"""Exports: rows of jobs and others as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_names, as_text
from vantage_sdk.core.deadline import Seconds
from vantage_sdk.core.request import CallOptions, Request, Safety, WaitOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.transfer.progress import Listener
from vantage_sdk.core.urls import segment
from vantage_sdk.core.waiting import POLL_INTERVAL, Pace, per_call
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_document import Export
from vantage_sdk.s9s.bodies import plain
from vantage_sdk.s9s.documents import IN_MEMORY, Source, made


class Exports(Resource[Mode]):
    """Exports of S9S."""

    @method
    async def create(
        self: Exports[Async],
        type: str = "jobs",
        *,
        format: str = "csv",
        filter: Mapping[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **call: Unpack[CallOptions],
    ) -> Export:
        """Have an export made, and return it with its ``export_id`` and ``status``.

        ``type``: what to export, default ``jobs``; ``format``: ``csv``, default, or ``json``; ``filter``: ``state``, ``user``,
        ``start_time``, ``end_time``, the times as ISO 8601 text or aware ``datetime`` objects; ``fields``: the columns, default all;
        ``options``: ``include_headers``, ``delimiter``, ``filename``; ``idempotency_key``: yours instead of a new one.

        Raises ``ValidationError`` if the server refuses it, ``SubmitOutcomeUnknown`` if the connection failed and it may be on
        its way.
        """
        wanted = {
            "type": as_text(type, "type"),
            "format": as_text(format, "format"),
            "filter": None if filter is None else plain(filter, "filter"),
            "fields": None if fields is None else as_names(fields, "fields"),
            "options": None if options is None else plain(options, "options"),
        }
        body = {name: value for name, value in wanted.items() if value is not None}
        request = Request(
            "POST", "/export", one(Export), json=body, safety=Safety.KEYED, idempotency_key=idempotency_key
        )
        return await self._send(request, call)

    @method
    async def get(self: Exports[Async], export_id: str, **options: Unpack[CallOptions]) -> Export:
        """Fetch an export by ``export_id``; raise ``ResourceNotFoundError`` if there is none, or none any more."""
        return await self._send(Request("GET", "/exports/{export_id}", one(Export), {"export_id": export_id}), options)

    @method
    async def wait(
        self: Exports[Async],
        export: str | Export,
        *,
        timeout: Seconds | None = None,
        poll_interval: Seconds = POLL_INTERVAL,
        on_update: Callable[[Export], object] | None = None,
        **options: Unpack[WaitOptions],
    ) -> Export:
        """Wait until an export is there, or has failed, and return it.

        ``export``: its id or itself; ``timeout``: seconds to wait, default without limit; ``poll_interval``: seconds between the
        first looks (default 1), growing to a tenth of the time waited, at most 30; ``on_update``: called with the export at
        first sight and whenever its status changes.  Raises ``DeadlineExceeded`` when the time is over; the server goes on.
        """
        pace, export_id = Pace(poll_interval, timeout, options), _id(export)
        look = partial(self.get, export_id, **per_call(options, pace))
        return await made(self._sender, pace, look, on_update, f"exports.wait({export_id!r})")

    @method
    async def download(
        self: Exports[Async],
        export: str | Export,
        local_path: str | os.PathLike[str],
        *,
        resume: bool = False,
        progress_callback: Listener | None = None,
        progress: bool = False,
        **options: Unpack[CallOptions],
    ) -> Path:
        """Download an export that is there.

        ``export``: its id or itself; ``local_path``: where it goes, replacing what is there.  The bytes go into a hidden file
        beside the target, which takes its place once they are as many as the server says; until then, and if anything goes
        wrong, the target stays as it is.

        ``resume``: go on with a download to the same place that was interrupted, also in another process, if the server sends
        parts and its entity tag is still the same; default start anew.  ``progress_callback``: called with the bytes so far and
        the total, if that is known; ``progress``: show a bar.  ``timeout`` is the longest silence in seconds.

        Where the export is on another server than the client's, over ``https`` or at a loopback address, it is fetched without
        credentials, organization and ``extra_headers``; a redirect never brings them back.  Returns the local path.

        Raises ``ConflictError`` if it is not there yet, ``ResourceNotFoundError`` if it has expired, ``TransferError`` if it failed,
        is at no such place or not as large as the server says, ``OSError`` if it cannot be written.
        """
        source = self._source(export, options)
        return await source.to_file(local_path, resume=resume, callback=progress_callback, progress=progress)

    @method
    async def download_to_bytes(
        self: Exports[Async], export: str | Export, *, max_bytes: int = IN_MEMORY, **options: Unpack[CallOptions]
    ) -> bytes:
        """Download an export into memory.

        ``max_bytes``: the most to accept, default 64 MiB.  Raises ``TransferError`` if it has more; other parameters and errors
        as for ``download``.
        """
        return await self._source(export, options).to_bytes(max_bytes)

    @method
    async def download_to_string(
        self: Exports[Async],
        export: str | Export,
        *,
        encoding: str = "utf-8",
        max_bytes: int = IN_MEMORY,
        **options: Unpack[CallOptions],
    ) -> str:
        """Download an export as text.

        ``encoding``: default UTF-8; bytes that are none raise ``UnicodeDecodeError``.
        Other parameters and errors as for ``download_to_bytes``.
        """
        return (await self.download_to_bytes(export, max_bytes=max_bytes, **options)).decode(encoding)

    def _source(self: Exports[Async], export: str | Export, options: Mapping[str, Any]) -> Source[Export]:
        export_id = _id(export)
        place = f"{self._sender.config.path_prefix}/exports/{segment(export_id, 'export_id')}/download"
        given = export if isinstance(export, Export) else None
        look = partial(self.get, export_id, **options)
        return Source(self._sender, options, f"exports/{export_id}", look, given, place)


def _id(export: str | Export) -> str:
    return as_text(export.export_id if isinstance(export, Export) else export, "export")
