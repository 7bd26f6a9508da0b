"""Jobs of queues on either backend, for the tests of what is kept above a real cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import Job, JobRequest
from mock_server.cluster.layout import QUEUES, QueueInfo
from tests.slurm.waiting import until

if TYPE_CHECKING:
    import pytest

    from mock_server import MockServer
    from mock_server.cluster.backend import ClusterBackend


def add_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers have queues of one and of two places."""
    some = (*QUEUES, QueueInfo("narrow", 2), *(QueueInfo(name, 1) for name in ("single", "alone", "strict")))
    for module in ("facility", "slurm.layout"):
        monkeypatch.setattr(f"mock_server.cluster.{module}.QUEUES", some)


def submit(server: MockServer, text: str, **fields: Any) -> Job:
    """Submit a job to the queue of two places."""
    request: dict[str, Any] = {
        "name": "kept",
        "user_id": "user_456",
        "id_form": "jobservice",
        "queue": "narrow",
        **fields,
    }
    return server.cluster.submit(JobRequest(command=text, **request))


def look(server: MockServer, name: str, *arguments: Any) -> Any:
    """Read an attribute of the backend, or ask one of its methods."""

    def read(cluster: ClusterBackend) -> Any:
        found = getattr(cluster, name)
        return found(*arguments) if arguments else dict(found)

    return server.cluster._read(read)


def command(server: MockServer, name: str, *arguments: Any) -> Any:
    """Give the backend a command that tests of other kinds do not need."""
    return server.cluster._do(lambda cluster: getattr(cluster, name)(*arguments))


def settled(server: MockServer, *jobs: Job, states: str = "completed failed cancelled") -> None:
    """Wait until jobs are in one of some states, passing the time where it stands still otherwise."""

    def seen() -> list[str]:
        if server.app.state.slurm is None:
            server.advance(0.5)
        return [job.state.value for job in jobs]

    until(seen, lambda found: all(state in states.split() for state in found))


def reason(server: MockServer, job: Job, wanted: str) -> None:
    """Wait until a job waits for a reason."""

    def seen() -> str | None:
        if server.app.state.slurm is None:
            server.advance(0.1)
        return job.reason

    until(seen, lambda found: found == wanted)


def kinds(server: MockServer, job: Job) -> list[str]:
    """Return what happened to a job but reasons and lines of its log."""
    found = [event.kind for event in server.cluster.events() if event.subject == job.id]
    return [kind for kind in found if kind not in {"job.updated", "job.log"}]


def most_at_once(jobs: list[Job]) -> int:
    """Return how many jobs ran at one time."""
    runs = [run for job in jobs for run in job.runs(0.0)]
    return max(sum(first <= at < last for first, last in runs) for at, _ in runs)
