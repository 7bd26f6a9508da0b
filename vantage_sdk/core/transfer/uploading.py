"""Uploading whatever a user gives: what can be read again goes as it is, what comes once is kept until the server has it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.sources import Feed, opened_source
from vantage_sdk.core.transfer.journal import Journal
from vantage_sdk.core.transfer.outgoing import Outgoing
from vantage_sdk.core.transfer.progress import Listener, Listeners
from vantage_sdk.core.transfer.upload import WHOLE, Upload

if TYPE_CHECKING:
    from vantage_sdk.core.transfer.remote import Target, Uploads
    from vantage_sdk.models.storage_file import StorageFile


async def upload(
    remote: Uploads,
    given: Any,
    target: Target,
    *,
    resume: bool,
    checksum: bool,
    callback: Listener | None,
    progress: bool,
) -> StorageFile:
    """Upload any kind of source; see ``storage.upload``."""
    io = remote.sender.io
    listeners = Listeners(io, callback, target.name if progress else None)
    source = await io.work(partial(opened_source, io, given), undo=lambda opened: opened.close())
    try:
        if isinstance(source, Feed):
            return await Outgoing(remote, target, listeners.meter(None), checksum=checksum).drain(source)
        journal = None
        if source.place is not None and source.size > WHOLE:
            journal = Journal(remote.sender, "upload", target.path, source.place)
        meter = listeners.meter(source.size)
        return await Upload(remote, source, target, meter, journal, resume=resume, checksum=checksum).run()
    finally:
        listeners.close()
        source.close()
