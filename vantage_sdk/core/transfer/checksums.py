"""Digests of bytes that are moved, and how they are written in headers and fields."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_ENTRY = re.compile(r"\s*([a-z0-9-]+)=:([A-Za-z0-9+/=]*):\s*(?:,|$)")


class Hash(Protocol):
    """A digest that grows."""

    def update(self, data: memoryview | bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Crc32c:
    """CRC-32C (RFC 3720) by an accelerated library; its digest is big-endian."""

    def __init__(self) -> None:
        import google_crc32c

        self._extend: Callable[[int, bytes], int] = getattr(google_crc32c, "extend")  # noqa: B009  typed with unknowns
        self._value = 0

    def update(self, data: memoryview | bytes, /) -> None:
        self._value = self._extend(self._value, bytes(data))

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def crc32c_is_fast() -> bool:
    """Tell whether the library is installed, and not with its slow stand-in in Python."""
    try:
        from google_crc32c import implementation
    except ImportError:
        return False
    return implementation == "c"


ALGORITHMS = (*(["crc32c"] if crc32c_is_fast() else []), "sha256", "sha1")
"""By cost: a fifteenth of that of sha256 for crc32c."""


def hasher(algorithm: str) -> Hash:
    """Return a new digest of one of ``ALGORITHMS``."""
    return Crc32c() if algorithm == "crc32c" else hashlib.new(algorithm, usedforsecurity=False)


def as_header(algorithm: str, digest: bytes) -> str:
    """Return the value of ``Upload-Checksum``."""
    return f"{algorithm} {b64encode(digest).decode()}"


def sha256_field(digest: bytes) -> str:
    """Return a digest as the ``checksum`` of a file."""
    return f"sha256:{digest.hex()}"


def sha256_of_field(checksum: str | None) -> bytes | None:
    """Return the digest in the ``checksum`` of a file, ``None`` if it is another one or none."""
    match = re.fullmatch("sha256:([0-9a-f]{64})", checksum or "", re.IGNORECASE)
    return bytes.fromhex(match[1]) if match else None


def sha256_of_headers(headers: Mapping[str, str]) -> bytes | None:
    """Return the digest of the whole file in ``Repr-Digest`` (RFC 9530), ``None`` if there is none that can be read."""
    for algorithm, text in _ENTRY.findall(headers.get("repr-digest", "")):
        if algorithm == "sha-256":
            try:
                digest = b64decode(text, validate=True)
            except binascii.Error:
                return None
            return digest if len(digest) == 32 else None
    return None
