"""OAuth clients and the access tokens that were given to them; secrets and tokens are kept as digests only."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

from mock_server.auth import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIFETIME = 3600.0
"""Seconds that a token works."""

CAPACITY = 10_000


class AccessTokens:
    """Gives tokens to clients that know their secret; ``clients`` maps their ids to the secrets."""

    def __init__(self, clients: Mapping[str, str], *, now: Callable[[], float], seed: int) -> None:
        self._secrets = {name.encode(): _digest(secret.encode()) for name, secret in clients.items()}
        self._tokens: dict[bytes, Credential] = {}
        self._now = now
        self._seed = seed
        self._issued = 0

    def issue(self, client_id: str, secret: str) -> str | None:
        """Return a new token, which is nowhere else, or ``None`` for a client that is not known or not that one."""
        if not self._knows(client_id.encode("utf-8", "surrogatepass"), secret.encode("utf-8", "surrogatepass")):
            return None
        self._make_room()
        self._issued += 1
        drawn = blake2b(f"{self._seed}:{self._issued}".encode(), digest_size=30, person=b"access token").digest()
        token = urlsafe_b64encode(drawn)
        # All tokens of a client share its budget and its idempotency keys: a refreshed token is the same caller.
        self._tokens[_digest(token)] = Credential(f"client {client_id}", expires_at=self._now() + LIFETIME)
        return token.decode()

    def find(self, token: bytes) -> Credential | None:
        """Return what a token stands for, expired or not."""
        return self._tokens.get(_digest(token))

    def _knows(self, client_id: bytes, secret: bytes) -> bool:
        """Compare with every client, so that the time taken does not tell which ones there are."""
        digest, found = _digest(secret), False
        for name, known in self._secrets.items():
            same = hmac.compare_digest(known, digest)
            found |= hmac.compare_digest(name, client_id) and same
        return found

    def _make_room(self) -> None:
        if len(self._tokens) >= CAPACITY:
            now = self._now()
            self._tokens = {key: token for key, token in self._tokens.items() if not token.is_over(now)}
        while len(self._tokens) >= CAPACITY:
            self._tokens.pop(next(iter(self._tokens)))


def _digest(value: bytes) -> bytes:
    return sha256(value).digest()
