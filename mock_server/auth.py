"""Who is calling: bearer keys, compared in constant time."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mock_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A key that the server knows; ``user_id`` owns what is made with it."""

    key: str
    user_id: str = "user_456"
    can_write: bool = True

    def __repr__(self) -> str:
        return f"Credential(user_id={self.user_id!r}, can_write={self.can_write})"


NOBODY = Credential("", user_id="", can_write=False)
"""Stands for the caller of an endpoint that needs no key."""


class KeyRing:
    """The credentials of one server."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._credentials = [(credential.key.encode(), credential) for credential in credentials]

    def authenticate(self, authorization: str | None) -> Credential:
        """Return the credential that an ``Authorization`` header stands for, or raise a 401."""
        if authorization is None:
            raise _refusal("No credentials were given")
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise _refusal("The Authorization header must have the form 'Bearer <key>'")
        credential = self._find(value.strip().encode("utf-8", "surrogateescape"))
        if credential is None:
            raise _refusal("The credentials are not valid")
        return credential

    def _find(self, key: bytes) -> Credential | None:
        """Compare with every key, so that the time taken does not tell which one was close."""
        found: Credential | None = None
        for known, credential in self._credentials:
            if hmac.compare_digest(known, key):
                found = credential
        return found


def _refusal(message: str) -> ApiError:
    return ApiError(401, message, headers={"WWW-Authenticate": "Bearer"})
