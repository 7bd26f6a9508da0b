"""A small cluster to test with, and its commands as plain calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mock_server.cluster.job import Job, JobRequest, Resources
from mock_server.cluster.node import Cluster, Node, ScalePolicy
from mock_server.cluster.simulated import SimulatedCluster

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from mock_server.cluster.layout import PartitionInfo

T = TypeVar("T")

START = 1_705_314_600.0
SHAPE = Resources(cpus=4, memory=16 * 10**9, gpus=2)


def run(command: Coroutine[Any, Any, T]) -> T:
    """Run a command that never suspends."""
    try:
        command.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("the simulated cluster never waits")


def request(command: str = "true", **options: Any) -> JobRequest:
    """Return a request for one job."""
    return JobRequest(options.pop("name", "a job"), command, options.pop("user_id", "alice"), **options)


class World:
    """One cluster named ``main``."""

    def __init__(
        self, nodes: int = 2, shape: Resources = SHAPE, *, now: float = START, partition: bool = True, **options: Any
    ) -> None:
        self.backend = SimulatedCluster(now=now, **options)
        self.cluster: Cluster = self.backend.add_cluster(
            id="cluster-1",
            name="main",
            provider="aws",
            region="us-west-2",
            nodes=nodes,
            node_shape=shape,
            partition=partition,
        )

    def submit(self, command: str = "true", **options: Any) -> Job:
        return run(self.backend.submit(request(command, **options)))

    def ran(self, command: str, **options: Any) -> Job:
        """Submit a job and let it end."""
        job = self.submit(command, **options)
        self.finish()
        return job

    def finish(self) -> None:
        self.backend.run_until_idle()
        self.backend.check_invariants()

    def wait(self, seconds: float) -> None:
        self.backend.advance(self.backend.now + seconds)
        self.backend.check_invariants()

    def cancel(self, job: Job | str, reason: str | None = None, **options: Any) -> Job:
        return run(self.backend.cancel(_id(job), reason, **options))

    def update(self, job: Job, **changes: Any) -> Job:
        return run(self.backend.update(job.id, **changes))

    def delete(self, job: Job) -> None:
        run(self.backend.delete(job.id))

    def hold(self, job: Job | str, reason: str | None = None) -> Job:
        return run(self.backend.hold(_id(job), reason))

    def release(self, job: Job | str) -> Job:
        return run(self.backend.release(_id(job)))

    def set_priority(self, job: Job | str, priority: int) -> Job:
        return run(self.backend.set_priority(_id(job), priority))

    def add_partition(self, name: str, numbers: Iterable[int], **options: Any) -> PartitionInfo:
        """Add a partition of some of the nodes."""
        return self.backend.add_partition(name, "main", tuple(f"main-{number:03d}" for number in numbers), **options)

    def scale(self, **policy: Any) -> Cluster:
        return run(self.backend.scale("main", ScalePolicy(**policy)))

    def fail_node(self, name: str) -> None:
        run(self.backend.fail_node("main", name, "power supply"))

    def restore_node(self, name: str) -> None:
        run(self.backend.restore_node("main", name))

    def drain_node(self, name: str, timeout: float | None = None) -> None:
        run(self.backend.drain_node("main", name, "maintenance", timeout))

    def node(self, number: int = 1) -> Node:
        return self.cluster.nodes[f"main-{number:03d}"]

    def kinds(self, subject: str) -> list[str]:
        """Return the kinds of all events of one subject."""
        return [event.kind for event in self.backend.events() if event.subject == subject]


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def reasons(*jobs: Job) -> list[str | None]:
    """Return why each job waits, or how it ended."""
    return [job.reason for job in jobs]


def text(job: Job, stream: str | None = None) -> list[str]:
    """Return the lines of a job's log."""
    return [line.text for line in job.log.lines if stream in {None, line.stream}]
