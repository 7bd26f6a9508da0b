"""How Slurm is reached: through slurmrestd or through its commands, which are one to everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mock_server.cluster.backend import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from mock_server.cluster.slurm.records import JobRecord, NodeRecord, PartitionRecord


class InDoubtError(UnavailableError):
    """Slurm may have done what it was asked for."""


class UnansweredError(InDoubtError):
    """No answer came back: whoever passes it on may still be at it, and Slurm do it later."""


class Access(Protocol):
    """One way to Slurm; ``calls`` counts how often it was taken.

    Every method may raise a ``ClusterError``, an ``UnavailableError`` while Slurm is away.
    """

    calls: int

    @property
    def is_open(self) -> bool:
        """Whether there is something to close."""
        ...

    async def aclose(self) -> None: ...

    async def version(self) -> str:
        """Return the version in whose words ``submit`` wants a job described, such as ``v0.0.38``."""
        ...

    async def jobs(self, finished: Container[int] = ()) -> list[JobRecord]:
        """Return all jobs that Slurm lists but those whose end is known already and that have not begun anew."""
        ...

    async def nodes(self) -> list[NodeRecord]: ...
    async def partitions(self) -> list[PartitionRecord]: ...

    async def submit(self, script: str, job: Mapping[str, Any], account: str) -> int:
        """Submit a job for an account and return Slurm's number for it.

        An ``InDoubtError`` says that Slurm may have taken it in all the same.
        """
        ...

    async def update(
        self, key: str, changes: Mapping[str, Any], account: str | None = None, *, whole: bool = False
    ) -> None:
        """Change ``hold``, ``priority``, ``comment`` or ``begin_time`` of a job, by default as the acting account.

        ``whole``: the key is that of an array, all of whose tasks are meant.
        """
        ...

    async def cancel(self, key: str, signal: str | None = None, account: str | None = None) -> None:
        """End a job, or only send it a signal."""
        ...

    async def slurmdb(self, what: str, **query: str | Sequence[str]) -> dict[str, Any] | None:
        """Return what the accounting says, ``None`` where this is no way to it."""
        ...
