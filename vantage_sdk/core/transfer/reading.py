"""Stretches of one version of a remote file.

Rule 1: a strong entity tag pins the version (RFC 9110, 13.1.5).  Bytes of another version are never mixed in.
Rule 2: what an answer holds is decided by its Content-Range, not by its status alone.
Rule 3: after a failure the next request begins where the last byte came in.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.port import TransportError
from vantage_sdk.core.transfer.checksums import sha256_of_headers
from vantage_sdk.core.transfer.patience import Patience
from vantage_sdk.core.urls import expand
from vantage_sdk.exceptions import TransferError, VantageAPIError

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import Incoming
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender

Place = Callable[[memoryview, int], None]
_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
OTHER_VERSION = (404, 410, 412, 416)


class ReplacedError(Exception):
    """The remote file is another one by now."""


class NoRangesError(Exception):
    """The server sends the whole file when asked for a part."""


@dataclass(frozen=True, slots=True)
class Version:
    """One content of a remote file: its size, its strong entity tag and its digest, as far as they are known."""

    size: int | None
    etag: str | None = None
    sha256: bytes | None = None

    @property
    def is_pinned(self) -> bool:
        return self.etag is not None


def strong(etag: str | None) -> str | None:
    """Return an entity tag that may pin a version, ``None`` for a weak or malformed one."""
    return etag if etag is not None and re.fullmatch(r'"[\x21\x23-\x7e\x80-\xff]*"', etag) else None


def _shown(sender: Sender, request: Request[Any]) -> str:
    """Return the path as errors show it: without a query, which may say who may fetch the file."""
    base = "" if request.origin is not None else sender.config.path_prefix
    path = expand(request.path, request.values) if request.values else request.path
    return base + path.partition("?")[0]


class Stretches:
    """Reads from one version of a file; ``skips`` lets a server without ranges send what is there already once more."""

    def __init__(
        self,
        sender: Sender,
        request: Request[Any],
        options: Mapping[str, Any],
        version: Version,
        *,
        skips: bool = False,
    ) -> None:
        self._sender = sender
        self._request = request
        self._options = {**options, "max_retries": 0}
        self._patient = dict(options)
        self._skips = skips
        self._path = _shown(sender, request)
        self.version = version

    async def pour(self, start: int, stop: int | None, place: Place) -> int:
        """Give the bytes from ``start`` to ``stop`` (``None``: the end) to ``place`` with their offsets; return where it ended.

        Raises ``ReplacedError`` or ``NoRangesError``, else what a failed call raises.
        """
        at = start
        patience = Patience(self._sender, self._patient)
        while stop is None or at < stop:
            before = at

            def taken(data: memoryview) -> None:
                nonlocal at
                place(data, at)
                at += len(data)

            try:
                await self._once(at, stop, taken)
                if stop is None:
                    break
                if at < stop:
                    raise self._short(at, stop)
            except VantageAPIError as error:
                self._must_be_the_same(error, at)
                if at > before:
                    patience.progressed()
                await patience.failed(error)
        return at

    async def chunks(self, start: int, stop: int | None) -> AsyncGenerator[bytes, None]:
        """Yield the same bytes as they come."""
        at = start
        patience = Patience(self._sender, self._patient)
        while stop is None or at < stop:
            before = at
            try:
                incoming, skip = await self._open(at, stop)
                try:
                    async for chunk in incoming:
                        skip, piece = max(0, skip - len(chunk)), chunk[skip:]
                        self._must_end(at + len(piece), stop)
                        piece = piece if stop is None else piece[: stop - at]
                        if piece:
                            at += len(piece)
                            yield piece
                except TransportError as error:
                    lost: VantageAPIError = self._sender.lost(error, "GET", self._path)
                else:
                    if stop is None:
                        return
                    if at >= stop:
                        continue
                    lost = self._short(at, stop)
                finally:
                    await incoming.aclose()
                raise lost
            except VantageAPIError as error:
                self._must_be_the_same(error, at)
                if at > before:
                    patience.progressed()
                await patience.failed(error)

    async def _once(self, at: int, stop: int | None, taken: Callable[[memoryview], None]) -> None:
        incoming, skip = await self._open(at, stop)
        left = None if stop is None else stop - at

        def sink(data: memoryview) -> None:
            nonlocal skip, left
            wanted = data[skip : None if left is None else skip + left]
            if stop is not None and left is not None:
                self._must_end(stop - left + len(data) - skip, stop)
            skip = max(0, skip - len(data))
            if wanted:
                taken(wanted)
                left = None if left is None else left - len(wanted)

        try:
            await incoming.pour(sink)
            return
        except TransportError as error:
            lost = self._sender.lost(error, "GET", self._path)
        finally:
            await incoming.aclose()
        raise lost

    async def _open(self, at: int, stop: int | None) -> tuple[Incoming, int]:
        """Return the answer whose body holds byte ``at`` after so many others."""
        incoming = await self._sender.open(self._ranged(at, stop), self._options)
        try:
            return incoming, self._skipped(incoming, at, stop)
        except BaseException:
            await incoming.aclose()
            raise

    def _ranged(self, at: int, stop: int | None) -> Request[Any]:
        whole = at == 0 and stop in (None, self.version.size)
        few = stop is not None and stop - at < 1 << 20
        if whole:
            return replace(self._request, bulk=not few)
        headers = {"Range": f"bytes={at}-{'' if stop is None else stop - 1}"}
        if self.version.etag is not None:
            headers["If-Range"] = self.version.etag
        return replace(self._request, headers={**self._request.headers, **headers}, bulk=not few)

    def _skipped(self, incoming: Incoming, at: int, stop: int | None) -> int:
        """Check that an answer is of this version and holds what was asked for."""
        headers, known = incoming.headers, self.version
        etag = headers.get("etag")
        if known.etag is not None and etag is not None and etag != known.etag:
            raise ReplacedError
        match = _RANGE.fullmatch(headers.get("content-range", "").strip())
        if match is None and incoming.status == 206:
            raise self._nonsense("a part that does not say where it belongs")
        if match is None:
            return self._of_whole(incoming, at, stop)
        first, last, total = int(match[1]), int(match[2]), match[3]
        if stop is None and (total == "*" or last != int(total) - 1):
            raise self._nonsense(f"bytes to {last} of {total} where all to the end were wanted")
        if total != "*" and known.size is not None and int(total) != known.size:
            raise ReplacedError(f"it has {total} bytes, not {known.size}")
        if first != at or last < first or (stop is not None and last >= stop):
            raise self._nonsense(
                f"bytes {first} to {last} where {at} to {'the end' if stop is None else stop - 1} were wanted"
            )
        self._learn(headers)
        return 0

    def _of_whole(self, incoming: Incoming, at: int, stop: int | None) -> int:
        headers, known = incoming.headers, self.version
        length = headers.get("content-length", "")
        if headers.get("content-encoding", "identity") != "identity" and length != str(known.size):
            raise self._nonsense(
                f"the file in an encoding ({headers['content-encoding'][:40]!r}) that was not asked for"
            )
        if length.isdecimal() and known.size is not None and int(length[:20]) != known.size:
            if known.etag is not None and headers.get("etag") == known.etag:
                raise self._nonsense(f"{length[:20]} bytes of a file that has {known.size}")
            raise ReplacedError(f"it has {length[:20]} bytes, not {known.size}")
        if (at or stop not in (None, known.size)) and not self._skips:
            raise NoRangesError
        self._learn(headers)
        return at

    def _must_end(self, reached: int, stop: int | None) -> None:
        """Check that there comes nothing after what is the last byte of this version."""
        if stop is not None and reached > stop == self.version.size:
            raise ReplacedError(f"it has more than {stop} bytes")

    def _learn(self, headers: Mapping[str, str]) -> None:
        if self.version.sha256 is None and (digest := sha256_of_headers(headers)) is not None:
            self.version = replace(self.version, sha256=digest)
        if self.version.etag is None and (etag := strong(headers.get("etag"))) is not None:
            self.version = replace(self.version, etag=etag)

    def _must_be_the_same(self, error: VantageAPIError, at: int) -> None:
        if at and error.status_code in OTHER_VERSION:
            raise ReplacedError from error
        if at and not self.version.is_pinned and self.version.sha256 is None and error._passing:
            raise ReplacedError from error  # nothing could tell bytes of another version that a second request brings

    def _short(self, at: int, stop: int) -> VantageAPIError:
        return self._nonsense(f"an end of its answer {stop - at} bytes too early")

    def _nonsense(self, what: str) -> TransferError:
        error = TransferError(f"the server sent {what}", method="GET", path=self._path)
        error._passing = True
        return error
