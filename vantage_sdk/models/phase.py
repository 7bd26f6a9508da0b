"""Where a job is in its life, in the same words for every API family."""

from __future__ import annotations

from enum import StrEnum

from vantage_sdk.models.base import Model


class Phase(StrEnum):
    """Where a job is in its life, in the same words for every API family."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Tell whether a job in this phase will never change again; an unknown phase is not terminal."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED)


_PHASES: dict[str, Phase] = {phase.value: phase for phase in Phase} | {"completed": Phase.SUCCEEDED}


def phase_of(status: object) -> Phase:
    """Return the phase for a family's status word, whatever its case."""
    return _PHASES.get(status.lower(), Phase.UNKNOWN) if isinstance(status, str) else Phase.UNKNOWN


class PhasedModel(Model):
    """What the jobs of all families have in common; ``_word`` is what the family calls the state of a job."""

    @property
    def _word(self) -> object:
        return getattr(self, "status", None)

    @property
    def phase(self) -> Phase:
        """Return where the job is in its life; ``Phase.UNKNOWN`` for a word that this SDK does not know."""
        return phase_of(self._word)

    @property
    def is_terminal(self) -> bool:
        """Tell whether the job has ended."""
        return self.phase.is_terminal

    @property
    def succeeded(self) -> bool:
        """Tell whether the job has ended well."""
        return self.phase is Phase.SUCCEEDED
