"""The port between the API families and whatever runs the jobs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mock_server.cluster.event import Event
    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.layout import Account, Association, PartitionInfo, Qos, QueueInfo
    from mock_server.cluster.node import Cluster, Node, ScalePolicy
    from mock_server.cluster.shared_files import SharedFiles
    from mock_server.cluster.statistics import Statistics
    from mock_server.cluster.usage import Usage


class Measure(StrEnum):
    """What a job makes of what it has, as far as not every backend watches it."""

    GPU = "GPU utilisation"
    MEMORY_SERIES = "Memory over time"


class ClusterError(Exception):
    """Base of what a backend refuses."""


class NotFoundError(ClusterError):
    """No such job, cluster or node; ``kind`` and ``key`` say which."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"{kind.capitalize()} {key!r} not found")
        self.kind = kind
        self.key = key


class StateError(ClusterError):
    """The subject exists but its state does not allow the operation."""


class RequestError(ClusterError):
    """The request can never be met, for example more GPUs than any node has; ``field`` names the culprit."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class DeniedError(ClusterError):
    """The cluster knows the caller and does not let them do this."""


class UnavailableError(ClusterError):
    """The cluster cannot be reached at present; nothing is known to be lost, and a later attempt may succeed.

    ``retry_after`` are the seconds after which one makes sense.
    """

    retry_after = 1.0


class UnsupportedError(ClusterError):
    """This backend has no means for it; ``reason`` says why, and ``what`` names what was asked for."""

    def __init__(self, reason: str, what: str | None = None) -> None:
        text = "Not supported by this backend" if what is None else f"{what} is not supported by this backend"
        super().__init__(f"{text}: {reason}")
        self.reason = reason


class ClusterBackend(Protocol):
    """Commands are coroutines because a real cluster answers over the network; reads come from the local view.

    Every method may raise a ``ClusterError``.  Clusters are accepted by id or by name.
    """

    @property
    def jobs(self) -> Mapping[str, Job]:
        """All jobs by id, oldest first."""
        ...

    @property
    def clusters(self) -> Mapping[str, Cluster]:
        """All clusters by id."""
        ...

    @property
    def partitions(self) -> Mapping[str, PartitionInfo]:
        """All partitions by name."""
        ...

    @property
    def qos(self) -> Mapping[str, Qos]:
        """All qualities of service by name."""
        ...

    @property
    def queues(self) -> Mapping[str, QueueInfo]:
        """The queues of the job service by name; jobs of other families are in none."""
        ...

    @property
    def accounts(self) -> Mapping[str, Account]:
        """All accounts by name."""
        ...

    @property
    def associations(self) -> Sequence[Association]:
        """Who may use which account where; a user without any has the account ``default``."""
        ...

    @property
    def admin_levels(self) -> Mapping[str, str]:
        """Who may do more than others according to the cluster itself: by user, Slurm's word in lower case."""
        ...

    @property
    def files(self) -> SharedFiles | None:
        """What jobs left on a file system; ``None`` where all of it is in ``Job.outputs``."""
        ...

    @property
    def unmeasured(self) -> Mapping[Measure, str]:
        """What is measured of no job here, each with the reason; it is ``None`` wherever it is shown."""
        ...

    def job(self, job_id: str) -> Job: ...
    def array(self, array_job_id: str) -> tuple[Job, ...]:
        """Return the tasks of an array in the order of their numbers."""
        ...

    def cluster(self, id_or_name: str) -> Cluster: ...
    def node(self, name: str) -> tuple[Cluster, Node]:
        """Return a node, whose name is unique over all clusters, with its cluster."""
        ...

    def usage(self, cluster_id: str, start: float, end: float) -> Usage: ...
    def statistics(
        self, start: float, end: float, *, cluster_id: str | None = None, queue: str | None = None
    ) -> Statistics:
        """Return what jobs went through after ``start`` and until ``end``, of one cluster or queue if they are given."""
        ...

    def waiting(self, queue: str) -> Sequence[Job]:
        """Return the jobs that wait in a queue of the job service, the next one first."""
        ...

    def queue_position(self, job_id: str) -> int | None:
        """Return the place of a waiting job among those of its queue or, without a queue, of its cluster; from 1."""
        ...

    def priority_of(self, job_id: str) -> int:
        """Return the priority by which a job is ordered, 0 while it is held."""
        ...

    async def recall(self, job_id: str) -> None:
        """Take into the view a job or an array that is not there, if the cluster can still tell of it."""
        ...

    async def submit(self, request: JobRequest) -> Job:
        """Take a job in; of an array the first task is returned, whose ``array_job_id`` is the id of the array."""
        ...

    async def cancel(
        self, job_id: str, reason: str | None = None, *, signal: str = "SIGTERM", force: bool = False
    ) -> Job:
        """Cancel an active job.  A cancelled job is returned unchanged; another terminal one raises ``StateError``.

        A script that catches ``signal`` with ``trap`` runs on for ``signals.KILL_SECONDS`` at most and is ``CANCELLED``
        only then; ``force`` and SIGKILL end it at once.  Of an array, as with the next three, all its tasks are meant
        and the first one is returned; finished ones are passed over.
        """
        ...

    async def delete(self, job_id: str) -> None:
        """Forget a job, cancelling it first if it is active."""
        ...

    async def update(
        self,
        job_id: str,
        *,
        name: str | None = None,
        priority: int | None = None,
        environment: Mapping[str, str] | None = None,
        output_path: str | None = None,
    ) -> Job:
        """Change what is given; environment and output path only before the job starts, else ``StateError``."""
        ...

    async def set_priority(self, job_id: str, priority: int) -> Job:
        """Give an active job another priority; a terminal one raises ``StateError``."""
        ...

    async def hold(self, job_id: str, reason: str | None = None) -> Job:
        """Keep an active job from starting; one that runs goes on, marked.  A terminal one raises ``StateError``."""
        ...

    async def release(self, job_id: str) -> Job:
        """Undo ``hold``; a job that is not held is returned unchanged, a terminal one raises ``StateError``."""
        ...

    async def scale(self, id_or_name: str, policy: ScalePolicy) -> Cluster: ...
    async def fail_node(self, cluster_id: str, node_name: str, reason: str) -> None: ...
    async def restore_node(self, cluster_id: str, node_name: str) -> None: ...

    async def drain_node(self, cluster_id: str, node_name: str, reason: str, timeout: float | None = None) -> None:
        """Give a node no new jobs; it is drained once the last one has ended.

        After ``timeout`` seconds those that still run there are requeued.
        """
        ...

    def events(self, after: int = 0) -> list[Event]:
        """Return the events with a sequence number above ``after``."""
        ...

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``listener`` synchronously on every event from now on; the returned function ends that."""
        ...

    def advance(self, now: float) -> None:
        """Let everything happen that is due until ``now``."""
        ...

    def next_event_at(self) -> float | None:
        """Return when something will happen by itself, ``None`` if nothing is pending."""
        ...
