"""One job of the cluster, whichever API family submitted it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mock_server.cluster.consumption import UNUSED, Appetite, Consumption

if TYPE_CHECKING:
    from mock_server.cluster.log import Log
    from mock_server.cluster.meter import Meter

RETRY_SECONDS = 1.0
"""How long the first retry waits; each further one waits ``backoff_multiplier`` times as long as the one before."""

IdForm = Literal["platform", "jobservice", "s9s"]
DependencyKind = Literal["after", "afterok", "afternotok", "afterany", "singleton"]

# One for all requests that have none: a hundred thousand jobs are kept.
_NOTHING: Mapping[str, Any] = MappingProxyType({})


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


class Resources(NamedTuple):
    """What one job asks of one node, or what one node has: CPU cores, memory in bytes, GPUs."""

    cpus: int = 1
    memory: int = 0
    gpus: int = 0


_ONE_CPU = Resources()


@dataclass(frozen=True, slots=True)
class Dependency:
    """What must have become of another job first, as Slurm words it.

    ``after``: it has started or was cancelled; ``afterok``: it has succeeded; ``afternotok``: it has ended otherwise;
    ``afterany``: it has ended; ``singleton``, without a job: every older job of this name and user has ended.  The id
    of an array stands for all its tasks.
    """

    kind: DependencyKind
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class ArrayTask:
    """Which task of which array a job is."""

    array_job_id: str
    task_id: int


class JobRequest(NamedTuple):
    """What a submitter asks for, already validated by the family that took the request.

    Of a ``gang`` so many members start at one instant, each with ``resources``, on as few nodes as the first fit gives;
    ``nodes`` is not looked at then.  ``array`` has the numbers of the tasks, of which ``array_limit`` may run at once.
    ``max_retries`` follow a failure, the n-th ``RETRY_SECONDS * backoff_multiplier ** (n - 1)`` after it.
    """

    name: str
    command: str
    user_id: str
    cluster_id: str | None = None
    image: str | None = None
    resources: Resources = _ONE_CPU
    nodes: int = 1
    priority: int = 0
    environment: Mapping[str, str] = _NOTHING
    working_directory: str | None = None
    output_path: str | None = None
    time_limit: float | None = None
    idempotency_key: str | None = None
    extras: Mapping[str, Any] = _NOTHING
    partition: str | None = None
    account: str | None = None
    qos: str = "normal"
    dependencies: tuple[Dependency, ...] = ()
    array: tuple[int, ...] = ()
    array_limit: int | None = None
    gang: int | None = None
    max_retries: int = 0
    backoff_multiplier: float = 1.0
    queue: str | None = None
    hold: bool = False
    required_nodes: tuple[str, ...] = ()
    stdout_path: str | None = None
    stderr_path: str | None = None
    id_form: IdForm = "platform"

    @property
    def shares(self) -> int:
        """How many times ``resources`` the job takes: once a node, or once a member of its gang."""
        return self.nodes if self.gang is None else self.gang


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a job wrote: absolute path below its output path, content, time of the last write."""

    path: str
    content: bytes
    written_at: float


@dataclass(slots=True, eq=False)
class Job:
    """A submitted job.  Times are seconds since the epoch on the cluster's clock.

    ``number`` counts the jobs of a backend from 1 and orders those of equal priority.  ``eligible_at`` is since when it
    could compete: not held, its dependencies met, the pause of a retry or requeue over.  ``reason`` says why it waits:
    ``Resources``, ``Priority``, ``Dependency``, ``DependencyNeverSatisfied``, ``JobHeldUser``, ``BeginTime``,
    ``PartitionTimeLimit``, ``PartitionNodeLimit``, ``PartitionDown``, ``QOSMaxJobsPerUserLimit``,
    ``QOSMaxWallDurationPerJobLimit``, ``JobArrayTaskLimit``, ``QueueConcurrencyLimit`` or ``ReqNodeNotAvail,
    UnavailableNodes:<names>``; and at its end ``NonZeroExitCode`` or ``TimeLimit``.

    ``time_limit`` is that of the request, else the default of the partition.  ``allocation`` names its nodes with the
    number of shares on each, ``gpu_ids`` the GPUs there.  ``restarts`` counts node failures, ``retries`` the job's own
    ones, ``earlier_runs`` has when it ran before.  ``predicted_start`` is the reservation that backfill holds for it.
    ``meter`` tells what it uses at any time; without one ``measured`` is all there is.
    ``root`` is the directory of the nodes that has what the storage shows, ``None`` where there is no such thing.
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
    partition: str = ""
    account: str | None = None
    time_limit: float | None = None
    array: ArrayTask | None = None
    queued_at: float | None = None
    eligible_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    cancel_reason: str | None = None
    held: bool = False
    hold_reason: str | None = None
    restarts: int = 0
    retries: int = 0
    earlier_runs: tuple[tuple[float, float], ...] = ()
    allocation: tuple[tuple[str, int], ...] = ()
    gpu_ids: tuple[tuple[int, ...], ...] = ()
    predicted_start: float | None = None
    outputs: dict[str, OutputFile] = field(default_factory=dict[str, OutputFile])
    number: int = 0
    meter: Meter | None = None
    measured: Consumption = UNUSED
    root: str | None = None

    @property
    def appetite(self) -> Appetite | None:
        """What the job uses of what it asked for while it runs; ``None`` where only the whole is ``measured``."""
        return None if self.meter is None else self.meter.appetite(self)

    @property
    def consumption(self) -> Consumption:
        """What the job has used so far."""
        return self.measured if self.meter is None else self.meter.read(self)

    @property
    def output_directory(self) -> str:
        """The absolute directory of its outputs in the storage, ``/outputs/<job id>`` unless it names one."""
        # Two leading slashes are special to normpath.
        return posixpath.normpath("/" + (self.output_path or f"outputs/{self.id}").lstrip("/"))

    @property
    def working_directory(self) -> str | None:
        """The directory in which it runs, if that is known: where it names none, that of its outputs."""
        if self.request.working_directory is not None or self.root is None:
            return self.request.working_directory
        return self.root + self.output_directory

    @property
    def qos(self) -> str:
        return self.request.qos

    @property
    def queue(self) -> str | None:
        return self.request.queue

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        return self.request.dependencies

    @property
    def array_job_id(self) -> str | None:
        return self.array.array_job_id if self.array is not None else None

    @property
    def array_task_id(self) -> int | None:
        return self.array.task_id if self.array is not None else None

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes that it has, or had when it ended."""
        return tuple(name for name, _ in self.allocation)

    def runs(self, now: float) -> tuple[tuple[float, float], ...]:
        """Return from when to when the job has had its nodes, until ``now`` at most."""
        if self.started_at is None:
            return self.earlier_runs
        return (*self.earlier_runs, (self.started_at, now if self.ended_at is None else self.ended_at))
