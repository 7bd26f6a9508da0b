"""What can be seen of the simulated cluster at its present instant."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mock_server.cluster.accounting import load
from mock_server.cluster.agenda import Agenda
from mock_server.cluster.facility import Facility
from mock_server.cluster.history import History
from mock_server.cluster.invariants import check_core, check_registry, check_site
from mock_server.cluster.invariants_policy import check_policy
from mock_server.cluster.job import JobState
from mock_server.cluster.lines import Lines
from mock_server.cluster.meter import Meter
from mock_server.cluster.ranking import Ranking
from mock_server.cluster.registry import Registry
from mock_server.cluster.statistics import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mock_server.cluster.backend import Measure
    from mock_server.cluster.core import Core
    from mock_server.cluster.event import Event
    from mock_server.cluster.job import IdForm, Job
    from mock_server.cluster.layout import Account, Association, PartitionInfo, Qos, QueueInfo
    from mock_server.cluster.node import Cluster, Node
    from mock_server.cluster.priority import Weights
    from mock_server.cluster.statistics import Statistics
    from mock_server.cluster.usage import Usage

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


class Reading:
    """The half of a ``ClusterBackend`` that changes nothing."""

    _core: Core

    def __init__(
        self,
        *,
        now: float,
        seed: int,
        id_factories: Mapping[IdForm, Callable[[int], str]],
        history_limit: int,
        weights: Weights,
    ) -> None:
        self._agenda = Agenda(now)
        self._history = History(history_limit)
        self._tallies = Tallies()
        self._meter = Meter(seed, self._agenda)
        self._registry = Registry(id_factories, self._meter)
        self._facility = Facility()
        self._ranking = Ranking(weights, self._facility, self._agenda)
        self._lines = Lines(self._ranking)

    @property
    def now(self) -> float:
        """The instant up to which everything has happened."""
        return self._agenda.now

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by id, oldest first."""
        return MappingProxyType(self._registry.jobs)

    @property
    def clusters(self) -> Mapping[str, Cluster]:
        """All clusters by id."""
        return MappingProxyType(self._facility.clusters)

    @property
    def partitions(self) -> Mapping[str, PartitionInfo]:
        """All partitions by name, those of the first cluster first."""
        return MappingProxyType(self._facility.partitions)

    @property
    def qos(self) -> Mapping[str, Qos]:
        """All qualities of service by name."""
        return MappingProxyType(self._facility.qos)

    @property
    def queues(self) -> Mapping[str, QueueInfo]:
        """The queues of the job service by name."""
        return MappingProxyType(self._facility.queues)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """All accounts by name."""
        return MappingProxyType(self._facility.accounts)

    @property
    def associations(self) -> Sequence[Association]:
        """Who may use what."""
        return tuple(self._facility.associations)

    files = None

    @property
    def admin_levels(self) -> Mapping[str, str]:
        """Nobody's: what users may do is the server's affair here."""
        return {}

    @property
    def unmeasured(self) -> Mapping[Measure, str]:
        """Nothing: what a job uses is simulated, too."""
        return {}

    def job(self, job_id: str) -> Job:
        return self._registry.get(job_id)

    def array(self, array_job_id: str) -> tuple[Job, ...]:
        """Return the tasks of an array in the order of their numbers."""
        return self._registry.array(array_job_id)

    def cluster(self, id_or_name: str) -> Cluster:
        return self._facility.cluster(id_or_name)

    def node(self, name: str) -> tuple[Cluster, Node]:
        """Return a node with its cluster."""
        return self._facility.node(name)

    def usage(self, cluster_id: str, start: float, end: float) -> Usage:
        """Return the totals of a period, up to now; jobs that still run count with what they have used so far."""
        return self._facility.site(cluster_id).ledger.usage(start, end, self.now)

    def statistics(
        self, start: float, end: float, *, cluster_id: str | None = None, queue: str | None = None
    ) -> Statistics:
        """Return what jobs went through after ``start`` and until ``end``, of one cluster or queue if they are given."""
        cluster = None if cluster_id is None else self.cluster(cluster_id).id
        sites = [site for key, site in self._facility.sites.items() if cluster in {None, key}]
        mean = load([site.ledger for site in sites], start, min(end, self.now))
        return self._tallies.statistics(start, end, cluster_id=cluster, queue=queue, mean=mean)

    def priority_of(self, job_id: str) -> int:
        """Return the priority by which a job is ordered, 0 while it is held."""
        job = self.job(job_id)
        return 0 if job.held and job.state in _WAITING else self._ranking(job)

    def waiting(self, queue: str) -> list[Job]:
        """Return the jobs that wait in a queue of the job service, the next one first."""
        line = self._lines.of(queue)
        if not self._ranking.is_steady:  # what a job is worth has changed since it took its place
            line.sort(key=self._order)
        return line

    def queue_position(self, job_id: str) -> int | None:
        """Return the place of a waiting job among those of its queue or, without a queue, of its cluster; from 1."""
        job = self.job(job_id)
        if job.state not in _WAITING:
            return None
        if job.queue is not None and self._ranking.is_steady:
            return self._lines.position(job)
        own = self._order(job)
        others = (
            other
            for other in self._registry.jobs.values()
            if other.state in _WAITING
            and other.queue == job.queue
            and (job.queue or other.cluster_id == job.cluster_id)
        )
        return 1 + sum(self._order(other) < own for other in others)

    def _order(self, job: Job) -> tuple[int, int]:
        return -self._ranking(job), job.number

    def events(self, after: int = 0) -> list[Event]:
        """Return the events above ``after``; of a long history only the newest ``history_limit`` are kept."""
        return self._history.after(after)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self._history.subscribe(listener)

    def next_event_at(self) -> float | None:
        return self._agenda.next_at()

    def check_invariants(self) -> None:
        """Raise ``AssertionError`` if the simulation contradicts itself."""
        jobs = self._registry.jobs
        check_registry(self._registry)
        check_core(self._core, jobs)
        for site in self._facility.sites.values():
            check_site(site, self._core, jobs, self.now)
            check_policy(site, self._core, self.now)
