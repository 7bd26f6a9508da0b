"""Users of S9S and what they may use."""

from __future__ import annotations

from pydantic import Field

from vantage_sdk.models.base import Model
from vantage_sdk.models.duration import Duration


class Association(Model):
    """An account that a user may charge in a partition, and the qualities of service there."""

    account: str | None = None
    partition: str | None = None
    qos: list[str] | None = None


class S9SUser(Model):
    """A user; ``admin_level`` is ``none`` or a word of the server, ``cpu_time_used`` a ``Duration``."""

    username: str
    default_account: str | None = None
    admin_level: str | None = None
    jobs_running: int | None = None
    jobs_pending: int | None = None
    cpu_time_used: Duration | None = None
    associations: list[Association] = Field(default_factory=list[Association])

    @property
    def id(self) -> str:
        """Return ``username``, which tells users apart."""
        return self.username
