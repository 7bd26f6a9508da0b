"""One job of the cluster, whichever API family submitted it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_server.cluster.log import Log


class JobState(StrEnum):
    """Where a job is in its life; every family projects its own words from these."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Resources:
    """What one job asks of one node, or what one node has: CPU cores, memory in bytes, GPUs."""

    cpus: int = 1
    memory: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a submitter asks for, already validated by the family that took the request."""

    name: str
    command: str
    user_id: str
    cluster_id: str | None = None
    image: str | None = None
    resources: Resources = Resources()
    nodes: int = 1
    priority: int = 0
    environment: dict[str, str] = field(default_factory=dict[str, str])
    working_directory: str | None = None
    output_path: str | None = None
    time_limit: float | None = None
    idempotency_key: str | None = None
    extras: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a job wrote: absolute path below its output path, content, time of the last write."""

    path: str
    content: bytes
    written_at: float


@dataclass(slots=True, eq=False)
class Job:
    """A submitted job.  Times are seconds since the epoch on the cluster's clock.

    ``number`` counts the jobs of a backend from 1 and orders those of equal priority.  ``reason`` says why a job
    failed, ``NonZeroExitCode`` or ``TimeLimit``, and before it starts why it waits: ``Resources``, ``Priority``,
    ``JobHeldUser``, ``BeginTime`` or ``PartitionNodeLimit``.  ``earlier_runs`` are those that a failed node has ended.
    """

    id: str
    request: JobRequest
    cluster_id: str
    state: JobState
    created_at: float
    updated_at: float
    log: Log
    name: str
    priority: int
    environment: dict[str, str]
    output_path: str | None
    queued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    cancel_reason: str | None = None
    held: bool = False
    restarts: int = 0
    earlier_runs: tuple[tuple[float, float], ...] = ()
    node_names: tuple[str, ...] = ()
    outputs: dict[str, OutputFile] = field(default_factory=dict[str, OutputFile])
    number: int = 0

    def runs(self, now: float) -> tuple[tuple[float, float], ...]:
        """Return from when to when the job has had its nodes, until ``now`` at most."""
        if self.started_at is None:
            return self.earlier_runs
        return (*self.earlier_runs, (self.started_at, now if self.ended_at is None else self.ended_at))
