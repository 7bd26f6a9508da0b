"""Which jobs of a queue Slurm may start: as many as may run at once, and always the best of them.

Rule 1: a job that has a place of its queue is one that runs, or one that Slurm may start at any time.
Rule 2: there are never more places than the queue has; jobs beyond them are held in Slurm, and their comment says that it
was the server.  What is held without that mark is held by somebody, and never let go.
Rule 3: a place that becomes free is for the first in line.  A job that still waits for nodes gives its place back to one
that comes before it, which gets it once Slurm has confirmed that the other one has not started.
Rule 4: what somebody lets go past the server, by ``scontrol release``, keeps its place and counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mock_server.cluster.job import Job
    from mock_server.cluster.layout import QueueInfo
    from mock_server.cluster.slurm.identity import GateMark, Tag

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})
LIMIT = "QueueConcurrencyLimit"
BACKOFF = "BeginTime"


class Decision(NamedTuple):
    """Whom to let pass, the first one first, and whose place to take back."""

    release: list[Job]
    retract: list[Job]


class Gate:
    """What is known of the jobs that the server may have to hold: those of queues, and those that can be retried.

    ``held`` are those that it holds now.  ``returning`` have failed and come back without a mark yet, ``granted`` have
    been let go without an answer, ``overruled`` were let go by somebody else.
    """

    def __init__(self) -> None:
        self.tags: dict[str, Tag] = {}
        self.held: dict[str, Job] = {}
        self.returning: set[str] = set()
        self.granted: set[str] = set()
        self.overruled: dict[str, Job] = {}
        self._taken: Counter[str] = Counter()
        self._coming: dict[str, tuple[str, float]] = {}

    def minds(self, job: Job) -> bool:
        """Tell whether a job is one of the server's hands."""
        return job.id in self.tags and job.state in _WAITING

    def wants(self, job: Job) -> bool:
        """Tell whether a job's tag is needed."""
        return (job.queue is not None or job.request.max_retries > 0) and job.array is None

    def see(self, job: Job, tag: Tag) -> None:
        """Note what a job's comment says."""
        if self.wants(job):
            self.tags[job.id] = tag

    def forget(self, job: Job) -> None:
        """Let go of a job that has ended."""
        self.tags.pop(job.id, None)
        self.started(job)

    def started(self, job: Job) -> None:
        """Note that a job does not wait any more."""
        self.held.pop(job.id, None)
        self.overruled.pop(job.id, None)
        self.returning.discard(job.id)
        self.granted.discard(job.id)

    def holds(self, job: Job, *, is_held: bool) -> bool:
        """Note whether a waiting job is held in Slurm, and tell whether that is the server's doing."""
        tag = self.tags.get(job.id)
        marked = tag is not None and tag.gate == "held"
        if is_held and (marked or (job.id in self.returning and not job.held)):
            self.held[job.id] = job
            if marked:
                self.returning.discard(job.id)
            return True
        if marked and job.id not in self.granted:
            self.overruled[job.id] = job
        self.held.pop(job.id, None)
        self.granted.discard(job.id)
        self.returning.discard(job.id)
        return False

    def reason(self, job: Job, now: float) -> str:
        """Return why a job is held that the server holds."""
        is_pause = job.retries > 0 and job.eligible_at is not None and job.eligible_at > now
        return BACKOFF if is_pause or job.queue is None or job.id in self.returning else LIMIT

    def unmarked(self) -> list[Job]:
        """Return the held jobs whose comment does not yet say by whom."""
        return [job for job in self.held.values() if (tag := self.tags.get(job.id)) and tag.gate != "held"]

    def mark(self, job: Job, gate: GateMark | None) -> Tag:
        """Return the tag of a job with another mark; it holds once Slurm has it."""
        return replace(self.tags[job.id], gate=gate)

    def marked(self, job: Job, tag: Tag) -> None:
        """Note what Slurm has written down."""
        self.tags[job.id] = tag
        self.overruled.pop(job.id, None)
        self.granted.discard(job.id)
        self.returning.discard(job.id)
        if tag.gate == "held":
            self.held[job.id] = job
        else:
            self.held.pop(job.id, None)

    def admits(self, token: str, queue: str, limit: int) -> bool:
        """Tell whether a new job gets a place at once, which is kept for it until it is ``settled``."""
        coming = sum(name == queue for name, _ in self._coming.values())
        if self._taken[queue] + coming >= limit or any(job.queue == queue for job in self.held.values()):
            return False
        self._coming[token] = queue, float("inf")
        return True

    def settled(self, token: str, *, taken: bool = False, until: float | None = None) -> None:
        """Note what has become of a submission; one without an answer keeps its place ``until`` it cannot arrive any more."""
        queue, _ = self._coming.pop(token, ("", 0.0))
        if queue and until is not None:
            self._coming[token] = queue, until
        elif queue and taken:
            self._taken[queue] += 1

    def count(self, active: Iterable[Job], known: Collection[str], now: float) -> None:
        """Count the places anew; submissions under a ``known`` token have become jobs."""
        self._taken = Counter(job.queue for job in active if job.queue is not None and self._has_place(job))
        self._coming = {
            token: (queue, until)
            for token, (queue, until) in self._coming.items()
            if until > now and token not in known
        }

    def decide(
        self, queues: Mapping[str, QueueInfo], active: Iterable[Job], is_ready: Callable[[Job], bool]
    ) -> Decision:
        """Return what to do now; the places must have been counted."""
        decision = Decision([], [])
        lines: defaultdict[str | None, list[Job]] = defaultdict(list)
        for job in self.held.values():
            if job.id in self.granted or is_ready(job):
                lines[job.queue].append(job)
        for name, line in lines.items():
            line.sort(key=self._order)
            if name is None or name not in queues:
                decision.release.extend(line)
                continue
            granted = [job for job in line if job.id in self.granted]
            rest = [job for job in line if job.id not in self.granted]
            coming = sum(queue == name for queue, _ in self._coming.values())
            free = max(0, queues[name].max_concurrency - self._taken[name] - coming)
            decision.release.extend([*granted, *rest[:free]])
            if not free:
                decision.retract.extend(self._worse(name, rest, active))
        return decision

    def _worse(self, queue: str, line: list[Job], active: Iterable[Job]) -> list[Job]:
        """Return those with a place who come after somebody in line, and have not started."""
        placed = [
            job
            for job in active
            if job.queue == queue and self.minds(job) and self._has_place(job) and self._may_be_held(job)
        ]
        placed.sort(key=self._order, reverse=True)
        pairs = zip(line, placed, strict=False)
        return [last for first, last in pairs if self._order(first) < self._order(last)]

    def _may_be_held(self, job: Job) -> bool:
        return job.id not in self.granted and self.tags[job.id].gate is None

    def _has_place(self, job: Job) -> bool:
        if job.state is JobState.RUNNING or job.id in self.granted:
            return True
        is_kept = job.id in self.held or job.id in self.returning or job.held
        return not is_kept and job.reason != "DependencyNeverSatisfied"

    def _order(self, job: Job) -> tuple[int, int]:
        return -job.priority, job.number
