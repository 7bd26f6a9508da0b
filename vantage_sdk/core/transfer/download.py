"""A remote file on its way to a local path: into a partial file beside it, which takes its place once it is proved right."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.destination import Destination, TakenOverError
from vantage_sdk.core.io.disk import size_of
from vantage_sdk.core.io.folder import sync
from vantage_sdk.core.io.partial_file import PartialFile
from vantage_sdk.core.transfer.journal import Journal
from vantage_sdk.core.transfer.progress import Listeners
from vantage_sdk.core.transfer.reading import NoRangesError, ReplacedError, Stretches, Version
from vantage_sdk.core.transfer.spans import Spans, spans_of
from vantage_sdk.core.transfer.tries import MismatchError, Remote, Resolve, in_two_tries, proved
from vantage_sdk.exceptions import TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender
    from vantage_sdk.core.transfer.progress import Listener, Meter

KEPT = 8 << 20
APART = 128 << 20
PART = 64 << 20
CONNECTIONS = 4
ENDLESS = 1 << 62


class Download:
    """One download.  ``resume``: go on with the partial file that the journal tells of; ``checksum``: prove the whole."""

    def __init__(
        self,
        sender: Sender,
        options: Mapping[str, Any],
        resolve: Resolve,
        destination: Destination,
        meter: Callable[[int], Meter],
        journal: Journal,
        *,
        resume: bool,
        checksum: bool = True,
        connections: int = CONNECTIONS,
    ) -> None:
        self._sender = sender
        self._io = sender.io
        self._options = options
        self._resolve = resolve
        self._destination = destination
        self._meter_of = meter
        self._journal = journal
        self._resume = resume
        self._checksum = checksum
        self._connections = connections

    async def run(self) -> int:
        """Return the number of bytes once the file is in place; see the errors of ``storage.download``."""
        meters: list[Meter] = []

        async def once(remote: Remote) -> int:
            meters.append(meters[0] if meters else self._meter_of(remote.version.size or 0))
            return await self._once(remote, meters[0])

        return await in_two_tries(self._resolve, once)

    async def _once(self, remote: Remote, meter: Meter) -> int:
        part = await self._opened(remote, meter)
        try:
            await self._io.work(partial(self._make_sure_of_room, remote, part))
            size = await self._filled(remote, part)
            part.handle.shut()
            await self._io.work(partial(part.commit, self._destination), Abort())
        except BaseException as stop:
            part.hash.stop()
            part.handle.shut()
            self._leave(part, remote, stop, refused=meter.refused)
            raise
        if size > KEPT:
            await self._journal.forget()
        meter.finish()
        return size

    def _make_sure_of_room(self, remote: Remote, part: PartialFile) -> None:
        missing = 0 if remote.version.size is None else part.spans.size - part.spans.total
        if missing > self._destination.free():
            raise OSError(
                errno.ENOSPC, f"{remote.name} needs {missing} bytes more than are free", self._destination.path
            )

    async def _opened(self, remote: Remote, meter: Meter) -> PartialFile:
        """Open the partial file that an earlier process left if it is to be continued, else a new one."""
        version = remote.version
        large = (version.size or 0) > KEPT
        record = await self._journal.load() if large else None
        begin = partial(self._open_now, remote, record)
        fd, name, spans = await self._io.work(begin, undo=self._close_again)
        noted = partial(self._note_safely, fd, name, remote) if version.is_pinned and large else None
        return PartialFile(fd, name, spans, meter.gauge().reach, noted)

    def _open_now(self, remote: Remote, record: Mapping[str, Any] | None) -> tuple[int, str, Spans]:
        """Return a partial file; a large one is noted before it is there, so that a kill leaves none that is not known."""
        version = remote.version
        name = self._destination.partial_name()
        noted = version.is_pinned and (version.size or 0) > KEPT
        if record is not None and (adopted := self._adopted(record, name, remote)) is not None:
            fd, spans = adopted
            if noted:
                self._note(name, version, spans)
            return fd, name, spans
        spans = Spans(ENDLESS if version.size is None else version.size)
        if noted:
            self._note(name, version, spans)
        try:
            return self._destination.create(name), name, spans
        except TakenOverError:  # by one that read the note before the file was there
            return self._open_now(remote, None)
        except BaseException:
            if noted:
                self._journal.forget_now()
            raise

    def _close_again(self, opened: tuple[int, str, Spans]) -> None:
        """Remove a partial file that nobody waits for any more, unless there is something in it."""
        fd, name, spans = opened
        if not spans.total:
            self._destination.discard(name, fd)
            self._journal.forget_now()

    def _adopted(self, record: Mapping[str, Any], name: str, remote: Remote) -> tuple[int, Spans] | None:
        """Take over what an earlier process left, under a new name; what is of no use is removed."""
        fd = None
        for old in (record.get("partial"), record.get("before")):
            if fd is None and isinstance(old, str):
                self._journal.save_now({**record, "partial": name, "before": old})
                fd = self._destination.adopt(old, name)
        if fd is None:
            return None
        version = remote.version
        trusted = remote.unproved or version.sha256 is not None
        if self._resume and trusted and version.is_pinned and record.get("etag") == version.etag:
            return fd, spans_of(record.get("done"), version.size or 0, size_of(fd))
        self._destination.discard(name, fd)
        return None

    def _note(self, name: str, version: Version, spans: Spans) -> None:
        self._journal.save_now({"partial": name, "etag": version.etag, "done": spans.as_list()})

    def _note_safely(self, fd: int, name: str, remote: Remote, spans: Spans) -> None:
        """Note what has come; where no digest would tell that a power cut took some of it, once it is on the disk."""
        if remote.unproved:
            sync(fd)
        self._note(name, remote.version, spans)

    def _leave(self, part: PartialFile, remote: Remote, stop: BaseException, *, refused: bool) -> None:
        """Keep the partial file for a later process if it can go on with it, else remove it."""
        version = remote.version
        with part.committing:  # a task that is cancelled does not wait for the thread that is at it
            if part.committed:
                return
            part.unwanted = True
        spoilt = not refused and isinstance(stop, OSError | ReplacedError | MismatchError | TransferError)
        if spoilt or not version.is_pinned or part.spans.total <= KEPT:
            self._destination.discard(part.name, part.fd)
            if (version.size or 0) > KEPT:
                self._journal.forget_now()
            return
        self._note_safely(part.fd, part.name, remote, part.spans)
        stop.add_note(
            f"{part.spans.total} bytes are kept beside {self._destination.path}; resume=True goes on with them"
        )

    async def _filled(self, remote: Remote, part: PartialFile) -> int:
        """Fetch what is missing and prove the whole; return its size."""
        if not self._checksum:
            return (await self._fetched(remote, part))[1]
        size = remote.version.size
        if remote.unproved and size is not None and size > KEPT:
            return (await self._fetched(remote, part))[1]
        if size is None or size <= KEPT:
            version, size = await self._fetched(remote, part)
            proved(version, await self._io.work(partial(part.digest, size)))
            return size
        hashing = self._io.start(partial(self._io.work, part.hash.run, waits=True))
        try:
            version, _ = await self._fetched(remote, part)
            proved(version, await hashing.result())
            return size
        except BaseException:
            part.hash.stop()
            hashing.abandon()
            raise

    async def _fetched(self, remote: Remote, part: PartialFile) -> tuple[Version, int]:
        version, spans = remote.version, part.spans
        told = version.is_pinned or version.sha256 is not None  # else nothing would tell parts of two versions apart
        if version.size is not None and told and self._connections > 1 and spans.size - spans.total >= APART:
            try:
                return await self._fetched_apart(remote, part), version.size
            except NoRangesError:
                pass  # this server sends all or nothing
        reading = Stretches(self._sender, remote.request, self._options, version, skips=True)
        end = spans.total
        for start, stop in [(0, None)] if version.size is None else spans.gaps(version.size or 1):
            end = await reading.pour(start, stop, part.place)
        return reading.version, end if version.size is None else version.size

    async def _fetched_apart(self, remote: Remote, part: PartialFile) -> Version:
        abort = Abort()
        sender = self._sender.bound_to(abort)
        reading = Stretches(sender, remote.request, self._options, remote.version)
        calls = [partial(reading.pour, start, stop, part.place) for start, stop in part.spans.gaps(PART)]
        await self._io.gather(calls, self._connections, abort)
        return reading.version


async def download(
    sender: Sender,
    options: Mapping[str, Any],
    resolve: Resolve,
    remote: str,
    local: Any,
    *,
    resume: bool,
    checksum: bool = True,
    connections: int = CONNECTIONS,
    callback: Listener | None,
    progress: bool,
) -> Path:
    """Download what ``resolve`` finds to a path; ``remote`` is what it is called.  See ``storage.download``."""
    if not isinstance(local, str | os.PathLike):
        hint = "; download_to_file takes an open file" if hasattr(local, "write") else ""
        raise TypeError(f"local_path takes text or a Path, not {type(local).__name__}{hint}")
    io, path = sender.io, Path(local)  # pyright: ignore[reportUnknownArgumentType]
    listeners = Listeners(io, callback, remote.rpartition("/")[2] if progress else None)
    try:
        journal = Journal(sender, "download", remote, os.path.abspath(path))
        with await io.work(partial(Destination.at, path), undo=Destination.close) as destination:
            await Download(
                sender,
                options,
                resolve,
                destination,
                listeners.meter,
                journal,
                resume=resume,
                checksum=checksum,
                connections=connections,
            ).run()
        return path
    finally:
        listeners.close()
