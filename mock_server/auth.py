"""Who is calling: bearer keys, compared in constant time."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from mock_server.delivery import TRANSPORT
from mock_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A key that the server knows; ``user_id`` owns what is made with it.

    ``tier`` is the budget, where a family has several.  Families with scopes ask for them; there ``level`` says whether the
    key reaches all of the user's organization.  ``expires_at`` is when it works no more.
    """

    key: str
    user_id: str = "user_456"
    can_write: bool = True
    tier: Literal["free", "pro", "enterprise"] = "free"
    scopes: frozenset[str] = frozenset()
    level: Literal["user", "client"] = "user"
    expires_at: float | None = None

    def is_over(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def __repr__(self) -> str:
        return f"Credential(user_id={self.user_id!r}, can_write={self.can_write})"


NOBODY = Credential("", user_id="", can_write=False)
"""Stands for the caller of an endpoint that needs no key."""


@dataclass(frozen=True, slots=True, repr=False)
class Presented:
    """What a caller shows of itself: three headers, and the name that its TLS certificate was made out to."""

    authorization: str | None = None
    cookie: str | None = None
    api_key: str | None = None
    certificate: str | None = None

    @classmethod
    def of(cls, request: Request, *, session: bool, token: bool = False) -> Presented:
        """Return what comes with a request, its cookie only where that may be a ``session``.

        Where a ``token`` in the query is allowed, it takes the place of a missing header.
        """
        headers = request.headers
        transport = request.scope.get("extensions", {}).get(TRANSPORT, {})
        authorization = headers.get("authorization")
        if authorization is None and token and "token" in request.query_params:
            authorization = f"Bearer {request.query_params['token']}"
        return cls(
            authorization=authorization,
            cookie=headers.get("cookie") if session else None,
            api_key=headers.get("x-api-key"),
            certificate=transport.get("certificate"),
        )


class Keys(Protocol):
    """The credentials of one family."""

    def authenticate(self, presented: Presented, /) -> Credential:
        """Return the credential that the caller has shown, or raise a 401."""
        ...


class KeyRing:
    """Credentials that stay what they are."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._credentials = [(credential.key.encode(), credential) for credential in credentials]

    def authenticate(self, presented: Presented, /) -> Credential:
        """Return the credential that the ``Authorization`` header stands for, or raise a 401."""
        credential = self.find(bearer(presented.authorization))
        if credential is None:
            raise refusal("The credentials are not valid")
        return credential

    def find(self, key: bytes) -> Credential | None:
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
