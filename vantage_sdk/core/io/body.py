"""Bodies of bounded size: how much is read, and how far it may inflate."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from vantage_sdk.core.io.failures import DamagedError, OversizedError

GZIP_OR_ZLIB = 47


def declared(headers: Mapping[str, str], limit: int) -> None:
    """Refuse a body that announces to be larger than ``limit`` bytes."""
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise OversizedError(f"the answer has {length[:20]} bytes, more than the {limit} allowed")


def grown(size: int, limit: int) -> None:
    """Refuse to go on once more than ``limit`` bytes have come."""
    if size > limit:
        raise OversizedError(f"the answer has more than the {limit} bytes allowed")


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo one layer of gzip, inflating to at most ``limit`` bytes; refuse any other encoding (RFC 9110, 8.4)."""
    if not body or encoding.lower() in ("", "identity"):  # also to HEAD, and with 204, a server may name an encoding
        return body
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise OversizedError(f"the answer is encoded as {encoding[:40]!r}, which was not asked for")
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        text = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise DamagedError(f"the compressed answer is damaged: {error}") from None
    grown(len(text), limit)
    if not inflater.eof:
        raise DamagedError("the compressed answer was cut short")
    if inflater.unused_data:
        raise DamagedError("the compressed answer goes on after its end")
    return text


def flat(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name, values of repeated ones joined by commas (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
