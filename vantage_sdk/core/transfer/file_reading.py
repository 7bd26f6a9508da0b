"""What a file object reads from: one version of a remote file, a block of it here and the next one on its way.

Rule 1: bytes of two versions are never handed out.
Rule 2: in a row, blocks grow and the next one is fetched ahead; after a jump there comes what is asked for and no more.
"""

from __future__ import annotations

import hashlib
import io as standard_io
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.io.abort import Abort
from vantage_sdk.core.io.forking import renew_after_fork
from vantage_sdk.core.io.spool import Spool
from vantage_sdk.core.io.turns import Over
from vantage_sdk.core.transfer.reading import NoRangesError, ReplacedError, Stretches
from vantage_sdk.core.transfer.tries import MismatchError, Remote, in_two_tries, proved, replaced, wrong
from vantage_sdk.exceptions import TransferError

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import Pending
    from vantage_sdk.core.sending import Sender

BLOCK = 4 << 20
FIRST = 256 << 10
SLACK = standard_io.DEFAULT_BUFFER_SIZE  # a buffered reader asks for as much more to end a read


class Ahead:
    """A block on its way."""

    def __init__(self, sender: Sender, reading: Callable[[Sender], Stretches], start: int, stop: int) -> None:
        self.start = start
        self.stop = stop
        self.over = over = Over()
        self._abort = Abort()
        stretches = reading(sender.bound_to(self._abort))

        async def fetch() -> bytearray:
            with over:
                return await fetched(stretches, start, stop)

        self.pending: Pending[bytearray] = sender.io.start(fetch)

    def drop(self) -> None:
        """Let go of it, and of its connection."""
        self._abort.throw()
        self.pending.abandon()


class Reading:
    """The bytes of one version of a remote file, wherever they are asked for."""

    def __init__(
        self,
        sender: Sender,
        options: Mapping[str, Any],
        remote: Remote,
        resolve: Callable[[], Awaitable[Remote]],
        block_size: int,
    ) -> None:
        if remote.version.size is None:
            raise TransferError(f"the server does not tell how large {remote.name} is; download it instead")
        self.name = remote.name
        self.size = remote.version.size
        self.block_size = block_size
        self.io = sender.io
        self._sender = sender
        self._options = options
        self._remote = remote
        self._resolve = resolve
        self._version = remote.version
        self._block: bytes | bytearray = b""
        self._start = 0
        self._next = 0
        self._window = 0
        self._ahead: Ahead | None = None
        self._dropped = list[Ahead]()
        self._spool: Spool | None = None
        self._digest = hashlib.sha256()
        self._hashed = 0
        renew_after_fork(self)

    async def read(self, offset: int, size: int) -> memoryview:
        """Return at most ``size`` bytes from ``offset`` on, at least one before the end of the file."""
        if offset >= self.size or size <= 0:
            return memoryview(b"")
        if not self._start <= offset < self._start + len(self._block):
            await self._load(offset, size)
        inside = offset - self._start
        return memoryview(self._block)[inside : inside + size]

    async def rest(self, offset: int) -> bytes:
        """Return all bytes from ``offset`` on, asking at most once for what is not here or on its way."""
        parts = list[bytes | bytearray | memoryview]()
        inside = offset - self._start
        if 0 <= inside < len(self._block):
            parts.append(memoryview(self._block)[inside:])
            offset += len(parts[0])
        if self._ahead is not None and self._ahead.start == offset:
            parts.append(await self._arrived(self._ahead))
            offset += len(parts[-1])
        if offset < self.size:
            self._let_go()
            parts.append(await self._fetch(offset, self.size))
        self._block, self._start, self._next = b"", self.size, self.size
        return b"".join(parts)

    def close(self) -> None:
        """Free what is held; doing it twice is fine."""
        self._let_go()
        if (
            not self.io.suspends
        ):  # a thread that is not over may still give a connection back, to a client that is closed
            for ahead in self._dropped:
                ahead.over.wait()
        self._dropped, self._block = [], b""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def after_fork(self) -> None:
        """Forget the block on its way: nobody fetches it here."""
        self._ahead, self._dropped = None, []

    def __del__(self) -> None:
        if (ahead := getattr(self, "_ahead", None)) is not None:
            with suppress(RuntimeError):  # the event loop has ended
                ahead.pending.abandon()

    # Blocks

    async def _load(self, offset: int, size: int) -> None:
        self._block = b""
        goes_on, begun = offset == self._next, self._next > 0
        if self._ahead is not None and self._ahead.start <= offset < self._ahead.stop:
            self._start, goes_on = self._ahead.start, True
            self._block = await self._arrived(self._ahead)
        else:
            self._let_go()
            self._window = self._grown(size) if goes_on else 0
            wanted = self._window if goes_on else min(size + SLACK, self.block_size)
            self._block = await self._fetch(offset, min(self.size, offset + wanted))
            self._start = offset
        self._next = self._start + len(self._block)
        if goes_on and begun and self._next < self.size and self._spool is None:
            self._window = self._grown(size)
            self._ahead = Ahead(self._sender, self._stretches, self._next, min(self.size, self._next + self._window))

    def _grown(self, size: int) -> int:
        return min(self.block_size, max(FIRST, size, 4 * self._window))

    def _let_go(self) -> None:
        if self._ahead is not None:
            self._call_off(self._ahead)
            self._ahead = None

    def _call_off(self, ahead: Ahead) -> None:
        ahead.drop()
        self._dropped = [*(one for one in self._dropped if not one.over.passed), ahead]

    async def _arrived(self, ahead: Ahead) -> bytearray:
        """Return the block that was on its way."""
        self._ahead = None
        try:
            block = await ahead.pending.result()
        except ReplacedError:
            raise replaced(self.name) from None
        except NoRangesError:
            raise _whole_only(self.name) from None
        except BaseException:
            self._call_off(ahead)
            raise
        await self._prove(ahead.start, block)
        return block

    async def _fetch(self, start: int, stop: int) -> bytes | bytearray:
        """Return bytes of the version that is read; the first answer decides how they can be told from another's."""
        if self._spool is None:
            reading = self._stretches(self._sender)
            try:
                block = await fetched(reading, start, stop)
            except ReplacedError:
                raise replaced(self.name) from None
            except NoRangesError:
                if self._next:
                    raise _whole_only(self.name) from None
            else:
                self._version = reading.version
                await self._prove(start, block)
                if self._version.is_pinned:
                    return block
                if len(block) == self.size:
                    self._spool = await self.io.work(partial(_spool_of, block), undo=Spool.close)
                    return block
            self._spool = await in_two_tries(self._resolve, self._spooled)
            self.size = self._spool.size
        return await self.io.work(partial(self._spool.read, start, max(0, min(stop, self.size) - start)))

    def _stretches(self, sender: Sender) -> Stretches:
        return Stretches(sender, self._remote.request, self._options, self._version)

    async def _prove(self, start: int, block: bytes | bytearray) -> None:
        """Compare the digest once all bytes were read in their order, as far as the server tells it."""
        skip = self._hashed - start
        if not 0 <= skip < len(block):
            return
        self._hashed += len(block) - skip
        await self.io.work(partial(self._digest.update, memoryview(block)[skip:]))
        if self._hashed == self.size:
            try:
                proved(self._version, self._digest.digest())
            except MismatchError as error:
                raise wrong(self.name, error) from None

    async def _spooled(self, remote: Remote) -> Spool:
        """Return the whole file, from a server that sends no parts or no entity tag."""
        spool, digest = await self.io.work(Spool, undo=Spool.close), hashlib.sha256()

        def place(data: memoryview, _: int) -> None:
            spool.append(bytes(data))
            digest.update(data)

        try:
            reading = Stretches(self._sender, remote.request, self._options, remote.version, skips=True)
            await reading.pour(0, remote.version.size, place)
            proved(reading.version, digest.digest())
        except BaseException:
            spool.close()
            raise
        return spool


async def fetched(reading: Stretches, start: int, stop: int) -> bytearray:
    """Return the bytes from ``start`` to ``stop``."""
    held = bytearray(stop - start)

    def place(data: memoryview, offset: int) -> None:
        held[offset - start : offset - start + len(data)] = data

    await reading.pour(start, stop, place)
    return held


def _spool_of(data: bytes | bytearray) -> Spool:
    spool = Spool()
    spool.append(bytes(data))
    return spool


def _whole_only(name: str) -> TransferError:
    return TransferError(f"the server sends {name} only as a whole; download it instead")
