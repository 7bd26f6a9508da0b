"""One upload of the server that grows piece by piece until it holds a stretch of a source.

Rule 1: where to go on is what the server says.  After any failure it is asked; what was sent does not count.
Rule 2: failures are counted from the last byte that the server has taken.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from vantage_sdk.core.io.sources import PIECE, SourceBody
from vantage_sdk.core.transfer.checksums import as_header, hasher
from vantage_sdk.core.transfer.patience import Patience
from vantage_sdk.core.transfer.tus import GONE, MISMATCH, OFFSETS, has_metadata, offset_of
from vantage_sdk.exceptions import ConflictError, TransferError, VantageAPIError

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.io.sources import Sized
    from vantage_sdk.core.transfer.journal import Journal
    from vantage_sdk.core.transfer.progress import Gauge
    from vantage_sdk.core.transfer.remote import Uploads

SMALLEST, FIRST, LARGEST = 1 << 20, 8 << 20, 64 << 20
SECONDS = 2.0
CREDIT = 64 << 10


class UploadGoneError(Exception):
    """The server does not know the upload any more: it has expired, or was removed."""


class Pace:
    """How many bytes to send at once: as many as take about 2 seconds, from 1 to 64 MiB."""

    def __init__(self) -> None:
        self.size = FIRST

    def took(self, size: int, seconds: float) -> None:
        wanted = size * SECONDS / max(seconds, 0.001)
        self.size = int(min(LARGEST, max(SMALLEST, min(wanted, self.size * 2))))

    def failed(self) -> None:
        self.size = max(SMALLEST, self.size // 2)


class Stretch:
    """``size`` bytes from ``start`` of a source on their way into the upload at ``link``.

    ``length`` tells the server with the next piece how long the whole is, if it does not know yet; ``metadata`` is what the
    upload was created with; ``journal`` has its record.  ``failure`` is the last one, for an upload that is complete and yet not accepted.
    """

    def __init__(
        self, remote: Uploads, source: Sized, start: int, size: int, link: str, gauge: Gauge, algorithm: str | None
    ) -> None:
        self._remote = remote
        self._source = source
        self._start = start
        self._size = size
        self._link = link
        self._gauge = gauge
        self._algorithm = algorithm
        self._pace = Pace()
        self._patience = Patience(remote.sender, remote.options)
        self._offset = 0
        self._best = 0
        self._credited = 0
        self._sent = 0
        self.failure: VantageAPIError | None = None
        self.length: int | None = None
        self.metadata = ""
        self.journal: Journal | None = None

    async def run(self, *, begun: bool) -> Answer | None:
        """Send what the server has not; return its last answer, ``None`` if there was nothing to send.

        ``begun``: whether an earlier process may have sent some.  Raises ``UploadGoneError`` if the upload is not there.
        """
        answer = await self._ask() if begun else None
        while self._offset < self._size:
            try:
                answer = await self._send()
                self._moved(answer, self._offset + self._sent)
                if self.journal is not None:
                    await self.journal.renew()
            except VantageAPIError as error:
                answer = await self._recover(error)
        return answer

    def grow(self, source: Sized, size: int) -> None:
        """Let ``size`` more bytes follow, which ``source`` has at their place in the whole."""
        self._source = source
        self._size += size

    async def _send(self) -> Answer:
        size = self._sent = min(self._pace.size, self._size - self._offset)
        place = self._start + self._offset
        headers = {**OFFSETS, "Upload-Offset": str(self._offset)}
        if self.length is not None:
            headers["Upload-Length"] = str(self.length)
        if self._algorithm is not None:
            digest = await self._remote.sender.io.work(partial(_digest, self._source, place, size, self._algorithm))
            headers["Upload-Checksum"] = as_header(self._algorithm, digest)
        begun = time.monotonic()
        answer = await self._remote.append(self._link, headers, SourceBody(self._source, place, size))
        self._pace.took(size, time.monotonic() - begun)
        return answer

    async def _recover(self, error: VantageAPIError) -> Answer:
        """Pause and ask where the upload is, or raise ``error``; one that is complete may still have been refused."""
        if error.status_code in GONE:
            raise UploadGoneError from error
        if isinstance(error, ConflictError) or error.status_code == MISMATCH:
            error._passing = True  # another offset may be right, or the piece was damaged on its way
        self.failure = error
        self._pace.failed()
        while True:
            await self._patience.failed(error)
            try:
                return await self._ask()
            except TransferError as nonsense:
                error = nonsense

    async def _ask(self) -> Answer:
        try:
            answer = await self._remote.state(self._link)
        except VantageAPIError as error:
            if error.status_code in GONE:
                raise UploadGoneError from error
            raise
        if self._is_another(answer):
            raise UploadGoneError
        self._moved(answer)
        return answer

    def _is_another(self, answer: Answer) -> bool:
        """Tell whether the server has given the id to another upload meanwhile."""
        length, told = answer.headers.get("upload-length"), answer.headers.get("upload-metadata")
        if length is not None and length != str(self._size) and self.length is None:
            return True
        return told is not None and not has_metadata(told, self.metadata)

    def _moved(self, answer: Answer, wanted: int | None = None) -> None:
        try:
            offset = offset_of(answer)
        except ValueError as error:
            raise _nonsense(str(error), self._link) from None
        if offset > self._size or (wanted is not None and offset != wanted):
            raise _nonsense(f"the server says that it has {offset} of {self._size} bytes", self._link)
        self._offset = offset
        if offset > self._best:
            if offset - self._credited >= CREDIT or offset == self._size:  # a byte now and then is no progress
                self._credited = offset
                self._patience.progressed()
            self._best = offset
            self._gauge.reach(offset)


def _digest(source: Sized, start: int, size: int, algorithm: str) -> bytes:
    digest = hasher(algorithm)
    for offset in range(start, start + size, PIECE):
        digest.update(source.read(offset, min(PIECE, start + size - offset)))
    return digest.digest()


def _nonsense(what: str, link: str) -> TransferError:
    error = TransferError(f"the answers of the upload do not fit: {what}", method="PATCH", path=link.partition("?")[0])
    error._passing = True
    return error
