"""The checksums that a piece of an upload can carry."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Hasher(Protocol):
    """Takes bytes, gives a digest."""

    def update(self, data: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


def _algorithms() -> dict[str, Callable[[], Hasher]]:
    found: dict[str, Callable[[], Hasher]] = {
        "sha1": lambda: hashlib.sha1(usedforsecurity=False),
        "sha256": hashlib.sha256,
    }
    try:
        from google_crc32c import Checksum as Crc32c
    except ImportError:
        return found
    return {**found, "crc32c": Crc32c}


ALGORITHMS = _algorithms()


class Checksum:
    """What the bytes of one piece should add up to."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._hash = ALGORITHMS[algorithm]()
        self._expected = expected

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    @property
    def matches(self) -> bool:
        return self._hash.digest() == self._expected
