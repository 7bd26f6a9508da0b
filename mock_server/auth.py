"""Who is calling: bearer keys, compared in constant time."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from mock_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A key that the server knows; ``user_id`` owns what is made with it.

    Families with scopes ask for them; there ``level`` says whether the key reaches all of the user's organization.
    """

    key: str
    user_id: str = "user_456"
    can_write: bool = True
    scopes: frozenset[str] = frozenset()
    level: Literal["user", "client"] = "user"

    def __repr__(self) -> str:
        return f"Credential(user_id={self.user_id!r}, can_write={self.can_write})"


NOBODY = Credential("", user_id="", can_write=False)
"""Stands for the caller of an endpoint that needs no key."""


class Keys(Protocol):
    """The credentials of one family."""

    def authenticate(self, authorization: str | None, cookie: str | None = None, /) -> Credential:
        """Return the credential that the headers stand for, or raise a 401."""
        ...


class KeyRing:
    """Credentials that stay what they are."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._credentials = [(credential.key.encode(), credential) for credential in credentials]

    def authenticate(self, authorization: str | None, _: str | None = None, /) -> Credential:
        """Return the credential that an ``Authorization`` header stands for, or raise a 401; cookies mean nothing."""
        credential = self._find(bearer(authorization))
        if credential is None:
            raise refusal("The credentials are not valid")
        return credential

    def _find(self, key: bytes) -> Credential | None:
        """Compare with every key, so that the time taken does not tell which one was close."""
        found: Credential | None = None
        for known, credential in self._credentials:
            if hmac.compare_digest(known, key):
                found = credential
        return found


def bearer(authorization: str | None) -> bytes:
    """Return the key in an ``Authorization`` header, or raise a 401."""
    if authorization is None:
        raise refusal("No credentials were given")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise refusal("The Authorization header must have the form 'Bearer <key>'")
    return value.strip().encode("utf-8", "surrogateescape")


def refusal(message: str) -> ApiError:
    """Return a 401."""
    return ApiError(401, message, headers={"WWW-Authenticate": "Bearer"})
