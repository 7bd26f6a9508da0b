"""API keys: what is known of them, and the one moment in which their value is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, InstanceOf

from vantage_sdk.core.scrub import Secret
from vantage_sdk.core.shapes import as_object
from vantage_sdk.models.base import Timestamp
from vantage_sdk.models.envelope import Enveloped


class ApiKey(Enveloped):
    """An API key without its value.

    ``scope_level`` is ``user`` (what its owner sees) or ``client`` (the whole organization); ``is_active`` is ``False`` once it
    was revoked, and ``None`` where the server does not tell.
    """

    id: int
    name: str | None = None
    key_prefix: str | None = None
    scope_level: str | None = None
    scopes: list[str] = Field(default_factory=list[str])
    is_active: bool | None = None
    last_used_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    created: Timestamp | None = None


class ApiKeyCreated(Enveloped):
    """A new API key; ``full_key.reveal()`` is its value, which the server never shows again.

    The value is in no ``repr``, no log and no pickle; only ``to_dict()`` has it, because that is what was received.
    """

    key: ApiKey
    full_key: InstanceOf[Secret]

    @classmethod
    def from_dict(cls, received: Mapping[str, Any]) -> Self:
        """Build the object from what was ``received``, hiding the key at once."""
        full = (as_object(received) or {}).get("full_key")
        return super().from_dict({**received, "full_key": Secret(full)} if isinstance(full, str) else received)

    def to_dict(self) -> dict[str, Any]:
        """Return what was received, the value of the key included."""
        return {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in super().to_dict().items()
        }


class ApiKeyRevoked(Enveloped):
    """The answer to a revocation; a key that was revoked before is revoked all the same."""

    revoked: bool
