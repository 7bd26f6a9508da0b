"""What a request shows so that the server knows whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from vantage_sdk.core.scrub import Secret
    from vantage_sdk.core.tokens import Tokens

    Credential: TypeAlias = "Fixed | Tokens"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a secret travels: the name of the header and the form of its value."""

    header: str
    form: str


BEARER = Scheme("Authorization", "Bearer {}")
HEADER_KEY = Scheme("X-API-Key", "{}")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A secret that never changes, or none at all where a certificate says enough; ``name`` is that of the setting."""

    name: str
    secret: Secret | None
    scheme: Scheme = BEARER

    def secrets(self) -> Sequence[Secret]:
        """Return all that must not be seen in any text."""
        return () if self.secret is None else (self.secret,)

    def shown(self) -> Mapping[str, str]:
        """Return the settings it was made of, masked."""
        return {} if self.secret is None else {self.name: str(self.secret)}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client shows to get a token (RFC 6749, 4.4)."""

    client_id: str
    client_secret: Secret
