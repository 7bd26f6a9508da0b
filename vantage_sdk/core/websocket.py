"""A WebSocket (RFC 6455) over a connection of the port: the library ``websockets`` does the framing, and no I/O.

Rule 1: whatever is heard proves that the peer lives.  After ``ping_interval`` seconds without anything it is pinged, and it is
dead when ``ping_timeout`` seconds later still nothing has come.  Only time spent in waiting counts: who asks seldom condemns nobody.
Rule 2: a caller that is cancelled while it waits loses nothing; one that is cancelled while a frame goes out loses the connection.
Rule 3: messages are text of at most ``max_message`` bytes, however they are fragmented; a peer that breaks a rule is told, and left.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.extras import installed
from vantage_sdk.core.io.port import Failure, TransportError
from vantage_sdk.exceptions import (
    AuthenticationError,
    AuthorizationError,
    StreamInterrupted,
    VantageAPIError,
    VantageConnectionError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vantage_sdk.core.io.port import Duplex, Incoming

SWITCHED = 101
MAX_MESSAGE = 1 << 20
PIECE = 1 << 16
GLANCE = 0.005  # seconds in which what has arrived already gets through an event loop
SENDING = 10.0  # seconds for a frame to go out; ours are small
FAREWELL = 0.5  # seconds for the peer to close its side
PING_INTERVAL = PING_TIMEOUT = 20.0


NORMAL = 1000
TRY_LATER = 1013
_KINDS: dict[int, type[VantageAPIError]] = {
    **dict.fromkeys((1002, 1003, 1007, 1009, 1010), StreamInterrupted),  # what the peer says that we did wrong
    **dict.fromkeys((1008, 3003), AuthorizationError),  # policy violation; forbidden, of IANA's registry
    3000: AuthenticationError,  # unauthorized, likewise
}


class SocketClosed(Exception):
    """The peer has closed the connection in order, with a code of RFC 6455 and perhaps a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}" + (f": {reason}" if reason else ""))
        self.code = code
        self.reason = reason

    def error(self, caller: str, shown: Callable[[str], str]) -> VantageAPIError | None:
        """Return what it means: nothing but the end for 1000, else an error that says whether another connection may mend it."""
        if self.code == NORMAL:
            return None
        kind = _KINDS.get(self.code, VantageConnectionError)
        error = kind(f"{caller}: the server ended the connection, {shown(str(self))}", code=str(self.code))
        error._passing = kind is VantageConnectionError
        return error


class SocketFault(Exception):
    """The peer broke the protocol, which another connection would not change."""


class Handshake:
    """One offer to switch protocols: the headers that make it, and what becomes of the answer."""

    def __init__(self, caller: str, max_message: int = MAX_MESSAGE) -> None:
        client = installed("websockets.client", caller, "events")
        uri = installed("websockets.uri", caller, "events")
        # Without extensions: compression would let a few bytes grow to any size, and updates are small.
        place = uri.parse_uri("ws://server/")
        self._protocol = client.ClientProtocol(place, max_size=max_message, state=client.OPEN)
        offered: Iterable[tuple[str, str]] = self._protocol.connect().headers.raw_items()
        self.headers = {name: value for name, value in offered if name.lower() != "host"}

    async def socket(self, incoming: Incoming, ping_interval: float | None, ping_timeout: float | None) -> WebSocket:
        """Return the socket; raise ``SocketFault`` if the answer does not fit the offer."""
        from websockets.datastructures import Headers
        from websockets.exceptions import InvalidHandshake
        from websockets.http11 import Response

        try:
            self._protocol.process_response(Response(incoming.status, "", Headers(incoming.headers)))
            return WebSocket(incoming.duplex(), self._protocol, ping_interval, ping_timeout)
        except BaseException as error:
            await incoming.aclose()
            if isinstance(error, InvalidHandshake):
                raise SocketFault(f"the server's handshake is wrong: {error}") from None
            raise


class WebSocket:
    """An open connection; used by one caller at a time."""

    def __init__(self, duplex: Duplex, protocol: Any, ping_interval: float | None, ping_timeout: float | None) -> None:
        self._duplex = duplex
        self._protocol = protocol
        self._patience = ping_interval, ping_timeout
        self._texts = deque[str]()
        self._partial = bytearray()
        self._end: Exception | None = None
        self._silent = 0.0
        self._pinged = False
        self._sending = False
        self.looked_at = time.monotonic()

    async def receive(self, until: float | None = None) -> str | None:
        """Return the next message, ``None`` if there is none before the monotonic instant ``until``.

        Raises, after the last message, ``SocketClosed``, or ``TransportError`` when the connection has broken or the peer is
        dead, or ``SocketFault`` when the peer has broken the protocol.
        """
        while not self._texts:
            if self._end is not None:
                raise self._end
            data = await self._read(until)
            if data is None:
                return None
            await self._take(data)
        return self._texts.popleft()

    async def glance(self) -> None:
        """Take what has arrived without waiting for more, and answer pings."""
        if self._end is None and not self._texts:
            try:
                data = await self._read(time.monotonic() + GLANCE)
            except TransportError as error:
                self._end = error  # for whoever receives
            else:
                if data is not None:
                    await self._take(data)

    @property
    def has_more(self) -> bool:
        """Tell whether a message can be received at once."""
        return bool(self._texts)

    async def send(self, text: str) -> None:
        """Send a message; raise ``TransportError`` if that fails."""
        self._protocol.send_text(text.encode())
        await self._flush()

    async def aclose(self) -> None:
        """Say goodbye, wait a moment for the answer, and let go of the connection."""
        try:
            if self._end is None and not self._sending:
                self._protocol.send_close(1000)
                await self._flush()
                end = time.monotonic() + FAREWELL
                while (left := end - time.monotonic()) > 0 and await self._duplex.receive(PIECE, left):
                    continue
        except TransportError:
            return  # the peer was gone first or does not answer, which makes no difference now
        finally:
            await self.drop()

    async def drop(self) -> None:
        """Let go of the connection; never waits."""
        self._end = self._end or TransportError(Failure.CUT, "the connection was closed")
        await self._duplex.aclose()

    async def _read(self, until: float | None) -> bytes | None:
        """Return the next bytes, none at the end, and ``None`` if ``until`` comes first."""
        if self._sending:
            raise TransportError(Failure.CUT, "the connection broke while something was sent")
        while self._end is None:  # another task may drop it while this one is pinging
            begun = self.looked_at = time.monotonic()
            patience = self._patience[self._pinged]
            spans = [patience and patience - self._silent, until and until - begun]
            wait = min((span for span in spans if span is not None), default=None)
            try:
                data = await self._duplex.receive(PIECE, None if wait is None else max(wait, GLANCE))
            except TransportError as error:
                if not error.timed_out:
                    raise
            else:
                self._silent, self._pinged, begun = 0.0, False, math.inf
                return data
            finally:
                self._silent += max(0.0, time.monotonic() - begun)
            if patience is not None and self._silent >= patience:
                await self._ping(self._silent)
            if until is not None and time.monotonic() >= until:
                return None
        raise self._end

    async def _ping(self, silent: float) -> None:
        if self._pinged:
            self._end = TransportError(
                Failure.CUT, f"nothing was heard for {silent:.1f} s after a ping: the peer is gone"
            )
            raise self._end
        self._protocol.send_ping(b"")
        await self._flush()
        self._silent, self._pinged = 0.0, True

    async def _take(self, data: bytes) -> None:
        """Understand what has come, and answer what the protocol answers by itself."""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for frame in self._protocol.events_received():
            self._hear(frame)
        problem = self._protocol.parser_exc
        if self._end is None and problem is not None:
            self._end = (
                TransportError(Failure.CUT, "the connection ended without a goodbye")
                if isinstance(problem, EOFError)
                else SocketFault(f"the server broke the protocol of WebSocket: {problem}")
            )
        try:
            await self._flush()
        except TransportError as error:
            self._end = self._end or error  # raised when the messages that came before it have been received

    def _hear(self, frame: Any) -> None:
        name = frame.opcode.name
        if self._end is not None:
            return
        if name == "CLOSE":
            said = self._protocol.close_rcvd
            self._end = SocketClosed(int(said.code), str(said.reason))
        elif name == "BINARY":
            self._fail(1003, "a message is not text")
        elif name in ("TEXT", "CONT"):
            self._partial += frame.data
            if frame.fin:
                message, self._partial = self._partial, bytearray()
                try:
                    self._texts.append(message.decode())
                except UnicodeDecodeError:
                    self._fail(1007, "a message is not UTF-8")

    def _fail(self, code: int, why: str) -> None:
        self._protocol.fail(code, why)
        self._end = SocketFault(f"the server broke the protocol of WebSocket: {why}")

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._sending = True
                await self._duplex.send(data, SENDING)
                self._sending = False
