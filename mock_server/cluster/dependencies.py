"""Which jobs wait for others, and what has become of those."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import DependencyKind, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_server.cluster.job import Dependency, Job, JobRequest
    from mock_server.cluster.registry import Registry

_KINDS: frozenset[str] = frozenset(get_args(DependencyKind))


class Condition(NamedTuple):
    """A dependency, with the jobs that it is about as they were when it was made."""

    kind: str
    jobs: tuple[Job, ...]

    def holds(self) -> bool | None:
        """Tell whether it is met, ``None`` while that is open."""
        states = [job.state for job in self.jobs]
        if self.kind == "after":
            return all(_has_started(job) for job in self.jobs) or None
        if self.kind == "afterok" and any(state.is_terminal and state is not JobState.COMPLETED for state in states):
            return False
        if not all(state.is_terminal for state in states):
            return None
        return self.kind != "afternotok" or any(state is not JobState.COMPLETED for state in states)


class Dependencies:
    """The conditions of all jobs that wait for others.

    They are looked at when one of those starts or ends, and a job all of whose conditions are met, or one of whose
    never can be, is given to ``changed``.  A job that is deleted goes on counting for what has become of it.
    """

    def __init__(self, registry: Registry, changed: Callable[[Job], None]) -> None:
        self.unmet: dict[str, list[Condition]] = {}
        self._registry = registry
        self._changed = changed
        self._dependents: dict[str, list[Job]] = {}

    def resolve(self, request: JobRequest) -> list[Condition]:
        """Return the conditions of a request, or refuse one that names no job."""
        return [self._condition(request, dependency) for dependency in request.dependencies]

    def watch(self, job: Job, conditions: Sequence[Condition]) -> None:
        """Keep an eye on what a new job waits for."""
        unmet = [condition for condition in conditions if condition.holds() is not True]
        if unmet:
            self.unmet[job.id] = unmet
        for condition in unmet:
            for other in condition.jobs:
                self._dependents.setdefault(other.id, []).append(job)

    def reason(self, job: Job) -> str | None:
        """Return why a job waits for others, ``None`` if it does not."""
        conditions = self.unmet.get(job.id)
        if conditions is None:
            return None
        never = any(condition.holds() is False for condition in conditions)
        return "DependencyNeverSatisfied" if never else "Dependency"

    def progressed(self, job: Job) -> None:
        """Look at those that wait for a job which has started or ended."""
        if job.state.is_terminal and self.unmet.pop(job.id, None) is not None and not self.unmet:
            self._dependents.clear()
        dependents = self._dependents.get(job.id)
        if dependents is None:
            return
        if job.state.is_terminal:
            del self._dependents[job.id]
        for dependent in dict.fromkeys(dependents):
            conditions = self.unmet.get(dependent.id)
            if conditions is None:
                continue
            verdicts = [condition.holds() for condition in conditions]
            self.unmet[dependent.id] = [
                condition for condition, verdict in zip(conditions, verdicts, strict=True) if verdict is not True
            ]
            if not self.unmet[dependent.id]:
                del self.unmet[dependent.id]
            if dependent.id not in self.unmet or False in verdicts:
                self._changed(dependent)
        if not self.unmet:
            self._dependents.clear()

    def _condition(self, request: JobRequest, dependency: Dependency) -> Condition:
        if dependency.kind not in _KINDS:
            raise RequestError("dependencies", f"a dependency is one of {', '.join(sorted(_KINDS))}")
        if dependency.kind == "singleton":
            return Condition("afterany", self._namesakes(request))
        found = self._find(dependency.job_id) if dependency.job_id is not None else ()
        if not found:
            raise RequestError("dependencies", f"there is no job {dependency.job_id!r} to depend on")
        return Condition(dependency.kind, found)

    def _find(self, job_id: str) -> tuple[Job, ...]:
        job = self._registry.jobs.get(job_id)
        return (job,) if job is not None else tuple(self._registry.arrays.get(job_id, ()))

    def _namesakes(self, request: JobRequest) -> tuple[Job, ...]:
        return tuple(
            job
            for job in self._registry.jobs.values()
            if job.name == request.name and job.request.user_id == request.user_id and not job.state.is_terminal
        )


def _has_started(job: Job) -> bool:
    return job.started_at is not None or bool(job.earlier_runs) or job.state.is_terminal
