"""A whole source on its way to a path of the server: as one form, in pieces, or in parts side by side.

Up to 8 MiB, and where the server offers nothing else, it is one form as documented.  Larger ones grow piece by piece (tus
1.0.0), from 256 MiB in four parts that the server joins.  What the server stored is compared with what was read.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.sources import SourceBody, change_of, sha256_of
from vantage_sdk.core.transfer.appending import Stretch, UploadGoneError
from vantage_sdk.core.transfer.checksums import sha256_field, sha256_of_field
from vantage_sdk.core.transfer.earlier import Earlier, earlier
from vantage_sdk.core.transfer.journal import fingerprint
from vantage_sdk.core.transfer.multipart import Form
from vantage_sdk.core.transfer.patience import Patience
from vantage_sdk.core.transfer.remote import give_up
from vantage_sdk.core.transfer.spans import parts
from vantage_sdk.core.transfer.tus import file_id_of, final
from vantage_sdk.exceptions import (
    ConflictError,
    IntegrityError,
    ResourceNotFoundError,
    SubmitOutcomeUnknown,
    TransferError,
    VantageAPIError,
)

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.io.sources import Sized
    from vantage_sdk.core.transfer.journal import Journal
    from vantage_sdk.core.transfer.progress import Meter
    from vantage_sdk.core.transfer.remote import Target, Uploads
    from vantage_sdk.core.transfer.tus import Offer
    from vantage_sdk.models.storage_file import StorageFile

Stored = tuple["StorageFile", str | None]
"""A file, and the version that is certainly the one stored here, as far as that is known."""

WHOLE = 8 << 20
APART = 256 << 20
PARTS = 4


class Upload:
    """One upload.

    ``resume``: go on with what the journal says that an earlier process has begun; ``checksum``: prove what was stored.
    """

    def __init__(
        self,
        remote: Uploads,
        source: Sized,
        target: Target,
        meter: Meter,
        journal: Journal | None,
        *,
        resume: bool,
        checksum: bool = True,
        connections: int = PARTS,
    ) -> None:
        self._remote = remote
        self._io = remote.sender.io
        self._source = source
        self._target = target
        self._meter = meter
        self._gauge = meter.gauge()
        self._journal = journal
        self._resume = resume
        self._checksum = checksum
        self._connections = connections
        self._earlier: Earlier | None = None
        self._continued = False
        self._abort = Abort()

    async def run(self) -> StorageFile:
        """Return the stored file, whose digest is that of the source; see the errors of ``storage.upload``."""
        hashed = partial(self._io.work, partial(sha256_of, self._source, self._abort), self._abort)
        if not self._checksum:
            file = await self._right(_unknown)
        elif self._source.size <= WHOLE:  # a thread beside would cost more
            file = await self._right(hashed)
        else:
            hashing = self._io.start(hashed)
            try:
                file = await self._right(hashing.result)
            except BaseException:
                self._abort.throw()
                hashing.abandon()
                raise
        if self._journal is not None:
            await self._journal.forget()
        self._meter.finish()
        return file

    async def _right(self, hashed: Callable[[], Awaitable[bytes | None]]) -> StorageFile:
        """Return the stored file once it is the right one, at the second try if need be."""
        for last in (False, True):
            file, version = await self._stored()
            if await self._is_right(file, version, await hashed(), last=last):
                return file
        raise AssertionError("unreachable")

    async def _stored(self) -> Stored:
        size = self._source.size
        offer = await self._remote.offer() if size > WHOLE else None
        if offer is None or not offer.takes(size):
            return await self._as_form()
        apart = size >= APART and offer.joins and self._source.place is not None
        lost = 0
        while True:
            try:
                return await self._in_pieces(offer, PARTS if apart else 1)
            except UploadGoneError as gone:
                lost += not self._continued  # one of an earlier process may well have expired
                if lost > 1:
                    raise TransferError("the server lost the upload twice; it may need more room or time") from gone
            except ConflictError:
                if self._earlier is None:
                    raise
                if found := await self._same():  # finished by the process that was killed
                    return found, None
                if not (self._continued and self._earlier.spares):
                    raise
                await give_up(self._remote, self._earlier.links)

    async def _is_right(self, file: StorageFile, version: str | None, digest: bytes | None, *, last: bool) -> bool:
        """Compare the stored file with the source; take a wrong one back, but only the very one that was stored here."""
        stored = sha256_of_field(file.checksum)
        right = file.size in (None, self._source.size) and (stored == digest or None in (stored, digest))
        changed = await self._io.work(partial(change_of, self._source))
        if right and changed is None:
            return True
        ours = version is not None and file.etag == version
        if ours and not right:
            await self._remote.withdraw(file)
        if changed is not None:
            kept = (
                "is what was read first" if right else "was a mixture and was removed" if ours else "may be a mixture"
            )
            changed.add_note(f"what was stored at {self._target.path} {kept}")
            raise changed
        if ours and not last:
            return False
        raise IntegrityError(
            f"{self._target.path} has {file.size} bytes with {self._remote.sender.shown(str(file.checksum))}, but {self._source.size} bytes"
            f"{f' with {sha256_field(digest)}' if digest else ''} were sent; "
            + ("it was removed" if ours else "it may be another writer's: it was left")
        )

    # One form

    async def _as_form(self) -> Stored:
        """Send the documented form until an answer tells that it is stored; a lost answer is looked for first."""
        target, size = self._target, self._source.size
        form = Form(target.fields(), target.name, target.content_type)
        body = SourceBody(self._source, 0, size, head=form.head, tail=form.tail, watch=self._gauge.reach)
        key, patience, lost = str(uuid.uuid4()), Patience(self._remote.sender, self._remote.options), False
        while True:
            try:
                file = await self._remote.post(body, form.content_type, key)
                return file, file.etag
            except SubmitOutcomeUnknown as error:
                lost = True
                if found := await self._found_after(error):
                    return found, None
                error._passing = True
                await patience.failed(error)
            except ConflictError as error:
                if lost and not error._passing and (found := await self._same()):
                    return found, None
                if not error._passing and not target.overwrite:
                    error.add_note("overwrite=True replaces a file that is there")
                await patience.failed(error)
            except VantageAPIError as error:
                await patience.failed(error)

    async def _found_after(self, error: SubmitOutcomeUnknown) -> StorageFile | None:
        try:
            return await self._same()
        except VantageAPIError as failed:
            error.add_note(f"looking the file up failed as well: {failed}")
        raise error  # here, where it keeps its cause

    async def _same(self) -> StorageFile | None:
        """Return the file at the target if it is what is being sent."""
        found = await self._remote.find(self._target.path)
        if found is None or found.size != self._source.size:
            return None
        digest = await self._io.work(partial(sha256_of, self._source, self._abort), self._abort)
        return found if sha256_of_field(found.checksum) == digest else None

    # Pieces

    async def _in_pieces(self, offer: Offer, count: int) -> Stored:
        links = await self._begun(count)
        self._continued = begun = bool(links)
        if not begun:
            links = await self._create(count)
        abort = Abort()
        remote = self._remote.over(self._remote.sender.bound_to(abort))
        algorithm = offer.algorithm if self._checksum else None
        stretches = [
            Stretch(remote, self._source, start, stop - start, link, self._meter.gauge(), algorithm)
            for link, (start, stop) in zip(links, parts(self._source.size, count), strict=True)
        ]
        if count == 1:  # parts have none of their own
            told = self._earlier.target if self._earlier and begun else self._target
            stretches[0].metadata = told.metadata()["Upload-Metadata"]
        for stretch in stretches:
            stretch.journal = self._journal
        calls = [partial(stretch.run, begun=begun) for stretch in stretches]
        try:
            answers = await self._io.gather(calls, self._connections, abort)
        except BaseException as stop:
            await self._leave(links, stop)
            raise
        if count > 1:
            return await self._joined(links)
        return await self._completed(answers[0], stretches[0].failure)

    async def _leave(self, links: list[str], stop: BaseException) -> None:
        """Keep what the server has if a later process can go on with it, else have it removed."""
        if isinstance(stop, UploadGoneError):
            await give_up(self._remote, links if len(links) > 1 else [])  # the other parts are of no use
            return
        if self._journal is not None:
            stop.add_note(f"the server keeps its part of {self._target.path} for a time; resume=True goes on with it")
        elif isinstance(stop, Exception):  # Ctrl-C and cancellation do not wait for another answer
            await give_up(self._remote, links)

    async def _begun(self, count: int) -> list[str]:
        """Return where an earlier process was uploading the very same content to, if that is wanted and known."""
        if not self._resume or self._journal is None:
            return []
        self._resume = False
        self._earlier = await earlier(self._io, self._journal, self._source, self._target, count)
        return [] if self._earlier is None else self._earlier.links

    async def _create(self, count: int) -> list[str]:
        ranges = parts(self._source.size, count)
        answers: list[Answer] = []
        if count == 1:
            answers = [await self._remote.create({"Upload-Length": str(self._source.size), **self._target.metadata()})]
        else:
            await self._must_be_free()
            try:
                for start, stop in ranges:
                    answers.append(
                        await self._remote.create({"Upload-Length": str(stop - start), "Upload-Concat": "partial"})
                    )
            except Exception:
                await give_up(self._remote, self._remote.links(answers))
                raise
        links = self._remote.links(answers)
        if self._journal is not None:
            mark = await self._io.work(partial(fingerprint, self._source))
            await self._journal.save(source=mark, links=links, target=self._target.metadata())
        return links

    async def _must_be_free(self) -> None:
        """Learn now what the server checks only when the parts are joined."""
        if not self._target.overwrite and await self._remote.find(self._target.path) is not None:
            raise ConflictError(
                f"{self._target.path} exists; overwrite=True replaces it", status_code=409, code="resource_conflict"
            )

    async def _joined(self, links: list[str]) -> Stored:
        try:
            answer = await self._remote.create(
                {"Upload-Concat": final(links), **self._target.metadata()}, self._source.size
            )
        except (ConflictError, ResourceNotFoundError) as error:
            if len(error.attempts) > 1 and (found := await self._same()):
                return found, None
            raise
        return await self._completed(answer, None)

    async def _completed(self, answer: Answer | None, failure: VantageAPIError | None) -> Stored:
        """Return the file that a complete upload became."""
        if answer is not None and (file_id := file_id_of(answer.headers)) is not None:
            return await self._remote.file(file_id), answer.headers.get("etag")
        if found := await self._same():
            return found, None
        raise failure or TransferError(f"the upload is complete, but there is no such file at {self._target.path}")


async def _unknown() -> None:
    """Stand in for the digest of a source that is not to be proved."""
