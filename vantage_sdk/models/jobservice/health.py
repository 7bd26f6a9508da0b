"""How the job service is."""

from __future__ import annotations

from pydantic import Field

from vantage_sdk.models.base import Model

OK = "ok"


class Liveness(Model):
    """Whether the service runs."""

    status: str

    @property
    def is_ok(self) -> bool:
        """Tell whether it does."""
        return self.status == OK


class Readiness(Model):
    """Whether the service is ready for work: ``ok`` or ``degraded``, and the same for each thing that it depends on."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict[str, str])

    @property
    def is_ok(self) -> bool:
        """Tell whether it is ready."""
        return self.status == OK

    @property
    def failing(self) -> list[str]:
        """Return the names of the things that are not well."""
        return [name for name, status in self.checks.items() if status != OK]
