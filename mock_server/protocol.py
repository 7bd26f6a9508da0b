"""uvicorn's HTTP protocol with bounded headers, refusals in the API's own form, and the transport in the scope."""

from __future__ import annotations

import itertools
import logging
import re
from typing import TYPE_CHECKING, Any

import pydantic_core
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mock_server.delivery import TRANSPORT

if TYPE_CHECKING:
    import asyncio

MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


_log = logging.getLogger("mock_server.http")
_log.setLevel(logging.ERROR)  # what callers do wrong they are told; it is nothing to warn about


def common_name(certificate: dict[str, Any] | None) -> str | None:
    """Return the name that a verified certificate was made out to; there may be no certificate."""
    subject = itertools.chain.from_iterable((certificate or {}).get("subject", ()))
    return next((value for key, value in subject if key == "commonName"), None)


def refusal(status: int, code: str, message: str) -> bytes:
    """Return the answer to what is not a request yet, hence without a request id from the server's sequence."""
    body = pydantic_core.to_json({"error": code, "message": message, "request_id": "req_unparsed"})
    head = (
        b"content-type: application/json\r\nx-request-id: req_unparsed\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    return STATUS_LINE[status] + head + body


TOO_LARGE = refusal(431, "headers_too_large", "The request line and headers are too large")


class HeadersTooLargeError(Exception):
    """Stops the parser."""


class MockProtocol(HttpToolsProtocol):
    """One connection."""

    _header_bytes = 0
    _overflow = False
    _certificate: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._certificate = common_name(transport.get_extra_info("peercert"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["extensions"] = {TRANSPORT: {"transport": self.transport, "certificate": self._certificate}}

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _should_upgrade(self) -> bool:
        """Tell whether this is a complete handshake; anything less is a request without one."""
        if self.scope["method"] != "GET" or self._get_upgrade() != b"websocket":
            return False
        headers = dict(self.headers)
        key = headers.get(b"sec-websocket-key", b"")
        return headers.get(b"sec-websocket-version") == b"13" and _KEY.fullmatch(key) is not None

    def handle_websocket_upgrade(self) -> None:
        from mock_server.socket_protocol import SocketProtocol

        self.ws_protocol_class = SocketProtocol
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self.transport.write(TOO_LARGE if self._overflow else refusal(400, "validation_error", msg))
        self.transport.close()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            self._overflow = True
            raise HeadersTooLargeError
