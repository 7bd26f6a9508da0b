"""JSON Web Tokens: which ones are believed, and who their bearers are.

The server decides by its configuration which algorithm goes with which key; what a token says about itself only chooses
among these.  Times are checked on the server's clock.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mock_server.auth import Credential, KeyRing, bearer
from mock_server.errors import ApiError
from mock_server.jobservice.key_sets import VerificationKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mock_server.auth import Presented

SECRET_BYTES = 32
MAX_SUBJECT = 255
WRITE = "jobs:write"


@dataclass(frozen=True, slots=True, repr=False)
class JwtPolicy:
    """Which tokens are believed: those signed with ``secret`` (HS256) or one of ``keys``.

    ``audience`` and ``issuer`` must be theirs, if given.  ``leeway`` are the seconds by which their clock may differ.
    """

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(SECRET_BYTES))
    keys: tuple[VerificationKey, ...] = ()
    audience: str | None = None
    issuer: str | None = None
    leeway: float = 0.0

    def __post_init__(self) -> None:
        if len(self.secret) < SECRET_BYTES:
            raise ValueError(f"the JWT secret must have {SECRET_BYTES} bytes or more, as HS256 asks (RFC 7518, 3.2)")
        if not 0 <= self.leeway < math.inf:
            raise ValueError(f"the leeway must be a number of seconds from 0, but is {self.leeway}")

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims, and with ``aud`` and ``iss`` as they must be unless they are given."""
        import jwt

        own = {name: value for name, value in (("aud", self.audience), ("iss", self.issuer)) if value is not None}
        try:
            return jwt.encode({**own, **claims}, self.secret, algorithm="HS256")
        except TypeError as error:
            raise ValueError(f"no token can have these claims: {error}") from None

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature, audience and issuer are right, or raise a 401."""
        import jwt

        try:
            named = jwt.get_unverified_header(token).get("kid")
        except (jwt.InvalidTokenError, RecursionError):
            raise refused("The token cannot be read") from None
        candidates = (VerificationKey("HS256", self.secret), *self.keys)
        for candidate in candidates:
            if named is not None and candidate.key_id not in (None, named):
                continue
            try:
                return self._decode(token, candidate)
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue
            except jwt.InvalidAudienceError:
                raise refused("The token is for another audience") from None
            except jwt.InvalidIssuerError:
                raise refused("The token is by another issuer") from None
            except jwt.MissingRequiredClaimError as error:
                raise refused(f"The token lacks the claim {error.claim}") from None
            except (jwt.PyJWTError, RecursionError):
                raise refused("The token cannot be read") from None
        raise refused("The signature of the token is not valid")

    def _decode(self, token: str, candidate: VerificationKey) -> dict[str, Any]:
        import jwt

        required = ["sub", *(name for name in ("aud", "iss") if getattr(self, _FIELDS[name]) is not None)]
        claims: dict[str, Any] = jwt.decode(
            token,
            candidate.key,
            algorithms=[candidate.algorithm],
            audience=self.audience,
            issuer=self.issuer,
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": self.audience is not None,
                "require": required,
            },
        )
        return claims


_FIELDS = {"aud": "audience", "iss": "issuer"}


class JobServiceKeys:
    """The credentials of the job service: tokens, and plain keys besides.

    ``user_named`` returns the id of the user with a login name, which is what a token may call its subject.
    """

    def __init__(
        self,
        credentials: Iterable[Credential],
        policy: JwtPolicy,
        *,
        now: Callable[[], float],
        user_named: Callable[[str], str | None],
    ) -> None:
        self._ring = KeyRing(credentials)
        self._policy = policy
        self._now = now
        self._user_named = user_named

    def authenticate(self, presented: Presented, /) -> Credential:
        """Return the bearer of a token or key, or raise a 401."""
        value = bearer(presented.authorization)
        known = self._ring.find(value)
        if known is not None:
            return known
        claims = self._policy.verify(value.decode("ascii", "replace"))
        self._check_times(claims)
        return self._credential(claims)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._now(), self._policy.leeway
        expires, begins = _instant(claims, "exp"), _instant(claims, "nbf")
        # Without adding to what the token says, which may be a number too large for that.
        if expires is not None and now - leeway >= expires:
            raise refused("The token has expired")
        if begins is not None and now + leeway < begins:
            raise refused("The token is not valid yet")

    def _credential(self, claims: Mapping[str, Any]) -> Credential:
        """Return what a token allows: all, unless it has scopes of this service without the one that writes."""
        subject = claims["sub"]
        if not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
            raise refused("The claim sub of the token names no user")
        scopes = _scopes(claims)
        can_write = WRITE in scopes or not any(scope.startswith("jobs:") for scope in scopes)
        user_id = self._user_named(subject) or subject
        return Credential(f"sub {user_id}", user_id=user_id, can_write=can_write)


def refused(message: str) -> ApiError:
    """Return the 401 for a token."""
    return ApiError(401, message, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a time, for which an integer may be of any size."""
    value: Any = claims.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not math.isfinite(value)):
        raise refused(f"The claim {name} of the token is not a time")
    return cast("float", value)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes, as text or list under either of the usual names."""
    found: list[object] = []
    for name in ("scope", "scp"):
        value = claims.get(name, "")
        found += (
            value.split() if isinstance(value, str) else cast("list[object]", value) if isinstance(value, list) else ()
        )
    return frozenset(scope for scope in found if isinstance(scope, str))
