"""What S9S says of itself."""

from __future__ import annotations

from typing import Any

from vantage_sdk.models.base import Model, Timestamp


class S9SStatus(Model):
    """The state of the service; ``slurm`` is what it says of the scheduler behind it."""

    status: str | None = None
    version: str | None = None
    timestamp: Timestamp | None = None
    slurm: dict[str, Any] | None = None
