"""What reports are made of: the jobs of a period as plain data, and what their partitions have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mock_server.s9s.jobs_seen import cpus_of, efficiency, gpus_of, memory_of
from mock_server.s9s.people import People
from mock_server.s9s.slices import in_slices
from mock_server.s9s.states import job_word

if TYPE_CHECKING:
    from mock_server.cluster.job import Job, Resources
    from mock_server.state import ServerState

HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0
STEPS = ((2 * DAY, HOUR), (92 * DAY, DAY), (float("inf"), WEEK))
"""Up to which length of a period its parts are how long."""


class JobFact(NamedTuple):
    """One job within the period; ``runs`` are cut to it, ``waited`` is ``None`` for a job that has not started."""

    job_id: str
    partition: str
    user: str
    state: str
    submitted: float
    waited: float | None
    ended: float | None
    runs: tuple[tuple[float, float], ...]
    cpus: int
    memory: int
    gpus: int
    cpu_efficiency: float | None
    memory_efficiency: float | None
    gpu_utilization: float | None

    @property
    def seconds(self) -> float:
        return sum(end - start for start, end in self.runs)

    def overlap(self, start: float, end: float) -> float:
        """Return the seconds that the job ran between two instants."""
        return sum(max(0.0, min(end, until) - max(start, since)) for since, until in self.runs)


class Capacity(NamedTuple):
    """What nodes have: CPUs, bytes of memory, GPUs."""

    cpus: int = 0
    memory: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """A period, from ``start`` to ``end`` or to now if that is earlier, its jobs, and what each partition has now.

    ``whole`` is what the nodes of all partitions together have, those that are in several of them counted once.
    """

    start: float
    end: float
    jobs: tuple[JobFact, ...]
    partitions: dict[str, Capacity]
    whole: Capacity

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)

    def steps(self) -> list[tuple[float, float]]:
        """Return the parts of the period: hours, days or weeks."""
        step = next(step for longest, step in STEPS if self.seconds <= longest)
        count = int(-(-self.seconds // step))
        edges = [self.start + number * step for number in range(count)]
        return [(edge, min(edge + step, self.end)) for edge in edges]


async def collect(state: ServerState, start: float, end: float, partitions: list[str] | None) -> Facts:
    """Look at all jobs; others get their turn meanwhile."""
    cluster, people, now = state.cluster, People(state.users), state.time.now()
    names = list(cluster.partitions) if partitions is None else list(dict.fromkeys(partitions))
    until = max(start, min(end, now))
    found = list[JobFact]()
    async for job in in_slices(list(cluster.jobs.values())):
        if job.partition in names and (fact := _fact(job, people, start, until, now)) is not None:
            found.append(fact)
    nodes = {name: [cluster.node(node)[1] for node in cluster.partitions[name].node_names] for name in names}
    return Facts(
        start=start,
        end=until,
        jobs=tuple(found),
        partitions={name: _capacity([node.capacity for node in some]) for name, some in nodes.items()},
        whole=_capacity(
            [node.capacity for node in {node.name: node for some in nodes.values() for node in some}.values()]
        ),
    )


def _fact(job: Job, people: People, start: float, end: float, now: float) -> JobFact | None:
    runs = tuple(
        (max(start, since), min(end, until)) for since, until in job.runs(now) if since < end and until > start
    )
    if not runs and not start <= job.created_at < end:
        return None
    first = min((since for since, _ in job.runs(now)), default=None)
    used = efficiency(job, now)
    return JobFact(
        job_id=job.id,
        partition=job.partition,
        user=people.username(job.request.user_id),
        state=job_word(job),
        submitted=job.created_at,
        waited=None if first is None else max(0.0, first - job.created_at),
        ended=job.ended_at,
        runs=runs,
        cpus=cpus_of(job),
        memory=memory_of(job),
        gpus=gpus_of(job),
        cpu_efficiency=used["cpu_efficiency"],
        memory_efficiency=used["memory_efficiency"],
        gpu_utilization=used["gpu_utilization"],
    )


def _capacity(amounts: list[Resources]) -> Capacity:
    return Capacity(
        sum(each.cpus for each in amounts), sum(each.memory for each in amounts), sum(each.gpus for each in amounts)
    )
