"""The API keys of workflows: made, changed and revoked while the server runs; their values are kept as digests only."""

from __future__ import annotations

import hmac
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Literal

from mock_server.auth import Credential, Presented, bearer, refusal
from mock_server.errors import ApiError
from mock_server.world.users import User

Level = Literal["user", "client"]
Scope = Literal["workflows:read", "workflows:write", "workflows:execute"]
SCOPES: tuple[Scope, ...] = ("workflows:read", "workflows:write", "workflows:execute")
SHOWN = 9
LENGTH = 32
_ALPHABET = string.ascii_letters + string.digits


@dataclass(slots=True)
class ApiKey:
    """One key; ``prefix`` is all that can be shown of its value."""

    id: int
    name: str
    prefix: str
    digest: bytes
    level: Level
    scopes: tuple[Scope, ...]
    user_id: str
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    is_active: bool = True

    def as_credential(self) -> Credential:
        return Credential(f"key {self.id}", self.user_id, scopes=frozenset(self.scopes), level=self.level)


@dataclass(frozen=True, slots=True)
class Seed:
    """A key that exists from the start."""

    value: str
    name: str
    id: int | None = None
    user_id: str = "user_456"
    level: Level = "client"
    scopes: tuple[Scope, ...] = SCOPES
    age: float = 0.0
    expires_in: float | None = None


class ApiKeys:
    """All keys.  ``sessions`` are the cookies of people who are signed in, by what the whole Cookie header says."""

    def __init__(
        self,
        seeds: Iterable[Seed],
        sessions: Mapping[str, str],
        *,
        users: Mapping[str, User],
        now: Callable[[], float],
        seed: int,
    ) -> None:
        self._users = users
        self._now = now
        self._seed = seed
        self._sessions = {cookie.encode(): user_id for cookie, user_id in sessions.items()}
        self._keys: dict[int, ApiKey] = {}
        for given in seeds:
            self._add_seed(given)

    def authenticate(self, presented: Presented, /) -> Credential:
        """Return who is calling, by a key or by a session; raise a 401, or a 404 if the account is gone."""
        if presented.authorization is None and presented.cookie is not None:
            credential = self._by_session(presented.cookie.encode("utf-8", "surrogateescape"))
        else:
            credential = self._by_key(bearer(presented.authorization))
        if credential.user_id not in self._users:
            raise ApiError(404, "The user of these credentials does not exist", code="USER_NOT_FOUND")
        return credential

    def of(self, user_id: str) -> list[ApiKey]:
        """Return the keys of an account, revoked ones too, oldest first."""
        return [key for key in self._keys.values() if key.user_id == user_id]

    def get(self, key_id: int, user_id: str) -> ApiKey | None:
        """Return a key of an account."""
        key = self._keys.get(key_id)
        return key if key is not None and key.user_id == user_id else None

    def create(
        self, name: str, *, user_id: str, level: Level, scopes: Sequence[Scope], expires_at: float | None
    ) -> tuple[ApiKey, str]:
        """Make a key; return it and its value, which is nowhere else."""
        number = self._next_id()
        value = "vntg_" + _letters(f"{self._seed}:{number}")
        key = ApiKey(
            number, name, value[:SHOWN], _digest(value.encode()), level, tuple(scopes), user_id, self._now(), expires_at
        )
        self._keys[number] = key
        return key, value

    def _next_id(self) -> int:
        return max(self._keys, default=0) + 1

    def _add_seed(self, seed: Seed) -> None:
        number, now = seed.id or self._next_id(), self._now()
        expires = None if seed.expires_in is None else now + seed.expires_in
        self._keys[number] = ApiKey(
            number,
            seed.name,
            seed.value[:SHOWN],
            _digest(seed.value.encode()),
            seed.level,
            seed.scopes,
            seed.user_id,
            now - seed.age,
            expires,
        )

    def _by_session(self, cookie: bytes) -> Credential:
        found: Credential | None = None
        for known, user_id in self._sessions.items():
            if hmac.compare_digest(known, cookie):
                found = Credential(f"session {user_id}", user_id, scopes=frozenset(SCOPES), level="client")
        if found is None:
            raise refusal("The session is not valid")
        return found

    def _by_key(self, value: bytes) -> Credential:
        """Compare with every key, so that the time taken does not tell which one was close."""
        found, digest, now = None, _digest(value), self._now()
        for key in self._keys.values():
            if hmac.compare_digest(key.digest, digest):
                found = key
        if found is None or not found.is_active:
            raise refusal("The API key is not valid")
        if found.expires_at is not None and found.expires_at <= now:
            raise refusal("The API key has expired")
        found.last_used_at = now
        return found.as_credential()


def _digest(value: bytes) -> bytes:
    return sha256(value).digest()


def _letters(seed: str) -> str:
    """Return random letters and digits; the same seed gives the same ones, as everything that this server makes up."""
    drawn = blake2b(seed.encode(), digest_size=LENGTH, person=b"api key").digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in drawn)
