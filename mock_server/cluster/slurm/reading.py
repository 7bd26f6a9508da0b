"""What can be seen of a Slurm cluster: the half of the port that changes nothing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mock_server.cluster.backend import Measure
from mock_server.cluster.job import JobState
from mock_server.cluster.statistics import Load
from mock_server.cluster.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mock_server.cluster.backend import UnavailableError
    from mock_server.cluster.event import Event
    from mock_server.cluster.history import History
    from mock_server.cluster.job import Job
    from mock_server.cluster.layout import Account, Association, PartitionInfo, Qos, QueueInfo
    from mock_server.cluster.node import Cluster, Node
    from mock_server.cluster.slurm.layout import Layout
    from mock_server.cluster.slurm.roster import Roster
    from mock_server.cluster.statistics import Statistics

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})
NEVER_MEASURED: Mapping[Measure, str] = MappingProxyType(
    {
        Measure.GPU: "Slurm gives GPUs out and does not watch them",
        Measure.MEMORY_SERIES: "Slurm keeps the most memory that a job had, and no series",
    }
)
_HOUR = 3600.0
_GIGABYTE = 1e9


class Reading:
    """Answers from the local view."""

    trouble: UnavailableError | None

    def __init__(self, layout: Layout, roster: Roster, history: History) -> None:
        self._layout = layout
        self._roster = roster
        self._history = history
        self._now = layout.cluster.created_at

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by id, oldest first."""
        return MappingProxyType(self._roster.jobs)

    @property
    def clusters(self) -> Mapping[str, Cluster]:
        """The one cluster by its id."""
        return MappingProxyType(self._layout.clusters)

    @property
    def partitions(self) -> Mapping[str, PartitionInfo]:
        """All partitions by name; as long as Slurm has told of none, it is its absence that is told."""
        if self.trouble is not None and not self._layout.partitions:
            raise self.trouble
        return MappingProxyType(self._layout.partitions)

    @property
    def qos(self) -> Mapping[str, Qos]:
        """All qualities of service by name; without accounting Slurm has only one."""
        return MappingProxyType(self._layout.directory.qos)

    @property
    def queues(self) -> Mapping[str, QueueInfo]:
        """The queues of the job service by name."""
        return MappingProxyType(self._layout.queues)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """All accounts by name."""
        return MappingProxyType(self._layout.directory.accounts)

    @property
    def associations(self) -> Sequence[Association]:
        """Who may use what; without accounting Slurm does not say."""
        return self._layout.directory.associations(self._layout.partitions)

    @property
    def admin_levels(self) -> Mapping[str, str]:
        """What the accounting lets whom do."""
        return MappingProxyType(self._layout.directory.admin_levels)

    @property
    def unmeasured(self) -> Mapping[Measure, str]:
        """What Slurm does not watch, with or without accounting."""
        return NEVER_MEASURED

    def job(self, job_id: str) -> Job:
        """Return a job; one that is unknown while Slurm is away may still exist."""
        if self.trouble is not None and job_id not in self._roster.jobs:
            raise self.trouble
        return self._roster.get(job_id)

    def array(self, array_job_id: str) -> tuple[Job, ...]:
        """Return the tasks of an array in the order of their numbers; as for a job, it may exist while Slurm is away."""
        if self.trouble is not None and array_job_id not in self._roster.arrays:
            raise self.trouble
        return self._roster.array(array_job_id)

    def cluster(self, id_or_name: str) -> Cluster:
        return self._layout.find(id_or_name)

    def node(self, name: str) -> tuple[Cluster, Node]:
        """Return a node with its cluster."""
        return self._layout.cluster, self._layout.node(name)

    def usage(self, cluster_id: str, start: float, end: float) -> Usage:
        """Return the totals of a period from what jobs were given, up to now."""
        cluster = self._layout.find(cluster_id)
        until = min(end, self._now)
        cpu = memory = gpu = 0.0
        ran = 0
        for job in self._roster.jobs.values():
            seconds = sum(max(0.0, min(last, until) - max(first, start)) for first, last in job.runs(self._now))
            asked, shares = job.request.resources, job.request.shares
            cpu += asked.cpus * shares * seconds
            memory += asked.memory * shares * seconds
            gpu += asked.gpus * shares * seconds
            ran += any(first <= until and last > start for first, last in job.runs(self._now))
        shapes = [node.capacity for node in cluster.nodes.values()]
        span = max(0.0, until - start)

        def percent(used: float, total: int) -> float:
            return min(100.0, 100.0 * used / (total * span)) if total and span else 0.0

        return Usage(
            start=start,
            end=end,
            cpu_hours=cpu / _HOUR,
            gpu_hours=gpu / _HOUR,
            memory_gb_hours=memory / _GIGABYTE / _HOUR,
            jobs_total=ran if start < until else 0,
            cpu_percent=percent(cpu, sum(shape.cpus for shape in shapes)),
            memory_percent=percent(memory, sum(shape.memory for shape in shapes)),
            gpu_percent=percent(gpu, sum(shape.gpus for shape in shapes)),
        )

    def statistics(
        self, start: float, end: float, *, cluster_id: str | None = None, queue: str | None = None
    ) -> Statistics:
        """Return what jobs went through after ``start`` and until ``end``."""
        cluster = self._layout.cluster if cluster_id is None else self._layout.find(cluster_id)
        usage = self.usage(cluster.id, start, end)
        mean = Load(usage.cpu_percent, usage.memory_percent, usage.gpu_percent)
        return self._roster.tallies.statistics(start, end, cluster_id=cluster.id, queue=queue, mean=mean)

    def waiting(self, queue: str) -> Sequence[Job]:
        """Return the jobs that wait in a queue of the job service, the next one first."""
        return self._roster.lines.of(queue)

    def queue_position(self, job_id: str) -> int | None:
        """Return the place of a waiting job among those of its queue, or of the cluster; from 1."""
        job = self.job(job_id)
        if job.state not in _WAITING:
            return None
        rank = self._roster.priority
        own = (-rank(job), job.number)
        others = (other for other in self._roster.active.values() if other.state in _WAITING)
        return 1 + sum((-rank(other), other.number) < own for other in others if other.queue == job.queue)

    def priority_of(self, job_id: str) -> int:
        """Return the priority by which Slurm orders a job, 0 while it is held."""
        job = self.job(job_id)
        return 0 if job.held and job.state in _WAITING else self._roster.priority(job)

    def events(self, after: int = 0) -> list[Event]:
        """Return the events above ``after`` that are still kept."""
        return self._history.after(after)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self._history.subscribe(listener)

    def advance(self, now: float) -> None:
        """Note the time; things happen by themselves here."""
        self._now = max(self._now, now)

    def next_event_at(self) -> float | None:
        """Return ``None``: nobody knows when something will happen on a real cluster."""
        return None
