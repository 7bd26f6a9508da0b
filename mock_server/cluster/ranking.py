"""In which order jobs are considered: the rule of ``priority``, applied to what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.fair_share import FairShare, Share
from mock_server.cluster.layout import DEFAULT_ACCOUNT
from mock_server.cluster.priority import Factors, Weights, age_factor, part, priority

if TYPE_CHECKING:
    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.facility import Facility
    from mock_server.cluster.job import Job

WEIGHTS = Weights(qos=1000)
"""By default a quality of service adds its priority, and nothing else changes what a job asks for."""


class Ranking:
    """Ranks jobs by their priority at the present instant."""

    def __init__(self, weights: Weights, facility: Facility, agenda: Agenda) -> None:
        self.weights = weights
        self._facility = facility
        self._agenda = agenda
        self._is_plain = not (weights.age or weights.size or weights.partition or weights.fair_share)
        self._fair_share: FairShare | None = None

    @property
    def is_steady(self) -> bool:
        """Whether the order of jobs never changes by itself."""
        return not (self.weights.age or self.weights.size or self.weights.fair_share)

    def __call__(self, job: Job) -> int:
        """Return the priority of a job that is not held; higher goes first."""
        if self._is_plain and job.request.qos == "normal" and not self._facility.qos["normal"].priority:
            return job.priority
        return priority(job.priority, self._factors(job), self.weights)

    def allocate(self, job: Job, sign: int) -> None:
        """Book the CPUs of a job on its account, ``sign`` 1 when it takes them and -1 when it gives them back."""
        cpus = sign * job.request.shares * job.request.resources.cpus
        self._shares().allocate(job.account or DEFAULT_ACCOUNT, self._agenda.now, cpus)

    def _factors(self, job: Job) -> Factors:
        facility, weights, now = self._facility, self.weights, self._agenda.now
        qos, partition = facility.qos[job.qos], facility.partitions[job.partition]
        waited = 0.0 if job.eligible_at is None else now - job.eligible_at
        nodes = facility.clusters[job.cluster_id].nodes.values()
        account = job.account or DEFAULT_ACCOUNT
        return Factors(
            age=age_factor(waited, weights.max_age),
            size=part(job.request.shares * job.request.resources.cpus, sum(node.capacity.cpus for node in nodes)),
            qos=part(qos.priority, max(other.priority for other in facility.qos.values())),
            partition=part(partition.priority, max(other.priority for other in facility.partitions.values())),
            fair_share=self._shares().factor(account, now) if weights.fair_share else 0.0,
        )

    def _shares(self) -> FairShare:
        if self._fair_share is None:
            accounts = self._facility.accounts.values()
            self._fair_share = FairShare({one.name: Share(one.shares, one.parent) for one in accounts})
        return self._fair_share
