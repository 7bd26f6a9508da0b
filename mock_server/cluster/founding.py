"""How a simulated cluster comes to be: its parts, its clusters, and the jobs that were there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mock_server.cluster.admission import Admission
from mock_server.cluster.core import Core
from mock_server.cluster.dependencies import Dependencies
from mock_server.cluster.layout import PartitionInfo
from mock_server.cluster.lifecycle import Lifecycle
from mock_server.cluster.limits import Limits
from mock_server.cluster.node import Cluster, ScalePolicy
from mock_server.cluster.planning import Policy, conservative, easy
from mock_server.cluster.ranking import WEIGHTS
from mock_server.cluster.reading import Reading
from mock_server.cluster.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.cluster.job import IdForm, Job, JobRequest, Resources
    from mock_server.cluster.layout import Account, Association
    from mock_server.cluster.priority import Weights
    from mock_server.cluster.seeding import Past

HISTORY_LIMIT = 200_000

SchedulerName = Literal["fcfs", "easy", "conservative"]
SCHEDULERS: dict[SchedulerName, Policy | None] = {"fcfs": None, "easy": easy, "conservative": conservative}


class Founding(Reading):
    """What is done to a backend before anybody uses it.

    ``scheduler`` is ``fcfs``, where nobody overtakes (see ``scheduler``), or ``easy`` or ``conservative`` backfill (see
    ``planning``), which need time limits to be of use.  ``weights`` say what makes the order.
    With ``preemption`` jobs of a better quality of service may take nodes from others, see ``preemption``.
    """

    def __init__(
        self,
        *,
        now: float,
        seed: int = 0,
        id_factories: Mapping[IdForm, Callable[[int], str]] | None = None,
        history_limit: int = HISTORY_LIMIT,
        weights: Weights = WEIGHTS,
        scheduler: SchedulerName = "fcfs",
        preemption: bool = False,
    ) -> None:
        if scheduler not in SCHEDULERS:
            raise ValueError(f"scheduler must be fcfs, easy or conservative, not {scheduler!r}")
        super().__init__(
            now=now, seed=seed, id_factories=id_factories or {}, history_limit=history_limit, weights=weights
        )
        facility = self._facility
        self._core = Core(
            agenda=self._agenda,
            history=self._history,
            lifecycle=Lifecycle(self._agenda, self._history, self._tallies, self._lines),
            facility=facility,
            limits=Limits(facility.qos, facility.queues),
            ranking=self._ranking,
            lines=self._lines,
            dependencies=Dependencies(self._registry, lambda job: self._site_of(job).admit(job)),
            policy=SCHEDULERS[scheduler],
            preempts=preemption,
            load=lambda node: self._meter.load(node, self._registry.jobs),
            seed=seed,
        )
        self._lifecycle = self._core.lifecycle
        self._admission = Admission(facility)

    def add_cluster(
        self,
        *,
        id: str,
        name: str,
        provider: str,
        region: str,
        nodes: int,
        node_shape: Resources,
        created_at: float | None = None,
        node_name: Callable[[int], str] | None = None,
        features: tuple[str, ...] = (),
        gpu_type: str | None = None,
        partition: bool = True,
    ) -> Cluster:
        """Add a cluster of ``nodes`` equal nodes, ready for use; they are called ``<name>-001`` and so on.

        Its partition is called as it is and has all its nodes, unless ``partition`` is false and others will be added.
        """
        created = self.now if created_at is None else created_at
        policy = ScalePolicy(nodes=nodes)
        cluster = Cluster(id, name, provider, region, node_shape, created, created, scaling=policy)
        cluster.features, cluster.gpu_type = features, gpu_type
        site = Site(cluster, self._core, node_name=node_name or (name + "-{:03d}").format)
        site.fleet.found(nodes)
        self._facility.add(site)
        if partition:
            self._facility.add_partition(PartitionInfo(name, cluster))
        return cluster

    def add_partition(
        self,
        name: str,
        cluster_id: str,
        members: tuple[str, ...] | None = None,
        **limits: Any,
    ) -> PartitionInfo:
        """Name a set of a cluster's nodes, ``None`` for all; ``limits`` are the other fields of ``PartitionInfo``."""
        partition = PartitionInfo(name, self.cluster(cluster_id), members, **limits)
        self._facility.add_partition(partition)
        return partition

    def add_account(self, account: Account, *associations: Association) -> None:
        """Add an account, and who may use it."""
        self._facility.add_account(account, associations)

    def adopt(self, job_id: str, request: JobRequest, past: Past) -> Job:
        """Add a job with a past.  That leaves no events; a running job needs free nodes and goes on from now."""
        past.check(self.now)
        if job_id in self._registry.jobs:
            raise ValueError(f"a job with id {job_id!r} exists")
        partition = self._facility.partition_for(request)
        site = self._facility.sites[partition.cluster_id]
        self._admission.check(request, partition)
        terms = self._facility.terms_for(request, partition)
        job = past.job(job_id, self._registry.number(), request, terms)
        site.reserve(job)
        self._registry.add(job)
        site.resume(job, past.runs_for)
        self._settle()
        return job

    def _site_of(self, job: Job) -> Site:
        return self._facility.sites[job.cluster_id]

    def _settle(self) -> None:
        """Let what a command has set off at this instant happen before the caller looks."""
        self._agenda.run(self.now)
