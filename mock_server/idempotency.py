"""Answers kept by idempotency key, so that a repeated request changes nothing twice."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from mock_server.errors import ApiError, invalid_field

if TYPE_CHECKING:
    from mock_server.timekeeping import Timekeeper

KEPT_SECONDS = 24 * 3600.0
CAPACITY = 10_000
HEADER = "Idempotency-Key"
LENGTH = b"content-length"
JSON = ((b"content-type", b"application/json"),)
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as it was sent, but small: ten thousand of them are kept."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Stored:
        """Keep an answer; its length is that of the body, and most have no other header than their kind."""
        headers = tuple(header for header in response.raw_headers if header[0] != LENGTH)
        return cls(response.status_code, JSON if headers == JSON else headers, zlib.compress(response.body, 1))

    def response(self) -> Response:
        """Return the answer again, marked as a repetition."""
        response = Response(zlib.decompress(self.body), self.status)
        length = [header for header in response.raw_headers if header[0] == LENGTH]
        response.raw_headers = [*length, *self.headers, (b"idempotency-replayed", b"true")]
        return response


@dataclass(slots=True, eq=False)
class Entry:
    """One use of a key: what was asked, and the answer once there is one."""

    fingerprint: bytes
    expires_at: float
    answer: Stored | None = None


class IdempotencyStore:
    """Entries by credential and key; ``reject`` refuses repetitions instead of answering them."""

    def __init__(self, time: Timekeeper, *, reject: bool) -> None:
        self._time = time
        self._reject = reject
        self._entries: dict[tuple[str, str], Entry] = {}

    def claim(self, caller: str, key: str, fingerprint: bytes) -> Entry | Response:
        """Return a new entry to work under, or the answer that was already given."""
        now = self._time.now()
        known = self._entries.get((caller, key))
        if known is None or known.expires_at <= now:
            self._make_room(now)
            entry = self._entries[sys.intern(caller), key] = Entry(fingerprint, now + KEPT_SECONDS)
            return entry
        if known.fingerprint != fingerprint:
            raise _conflict("idempotency_key_reused", "This idempotency key was used for a different request")
        if known.answer is None:
            raise _conflict("idempotency_in_progress", "A request with this idempotency key is in progress", wait=1)
        if self._reject:
            raise _conflict("idempotency_key_reused", "This idempotency key was already used")
        return known.answer.response()

    def settle(self, entry: Entry, response: Response) -> None:
        """Keep the answer to the work that was done under a key."""
        entry.answer = Stored.of(response)

    def release(self, caller: str, key: str, entry: Entry) -> None:
        """Free a key under which nothing was done, for another attempt."""
        if self._entries.get((caller, key)) is entry:
            del self._entries[caller, key]

    def _make_room(self, now: float) -> None:
        if len(self._entries) < CAPACITY:
            return
        self._entries = {key: entry for key, entry in self._entries.items() if entry.expires_at > now}
        while len(self._entries) >= CAPACITY:
            self._entries.pop(next(iter(self._entries)))


def check_key(value: str | None) -> str | None:
    """Return the key of a request, or raise a 400 if it is not a usable one."""
    if value is not None and not _KEY.fullmatch(value):
        raise invalid_field(HEADER, "Must be 1 to 255 visible ASCII characters")
    return value


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Return what makes two requests under one key the same."""
    return hashlib.blake2b(f"{method} {path}\n".encode() + body, digest_size=16).digest()


def same_json(body: bytes) -> bytes:
    """Return the same bytes for bodies that say the same; the order of fields means nothing."""
    return json.dumps(json.loads(body), sort_keys=True).encode()


def _conflict(code: str, message: str, *, wait: int | None = None) -> ApiError:
    headers = None if wait is None else {"Retry-After": str(wait)}
    return ApiError(409, message, details={"field": HEADER, "code": code}, headers=headers)
