"""A Slurm of a few lines, for tests of what the server makes of it: it may be away, and forget to answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError, StateError, UnavailableError
from mock_server.cluster.slurm.access import InDoubtError
from mock_server.cluster.slurm.records import job_record, node_record, partition_record
from mock_server.cluster.slurm.states import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.slurm.records import JobRecord

DELAY = 121
"""Seconds before Slurm begins by itself what it has taken back."""


@dataclass
class Work:
    """A job as Slurm has it; ``plan`` has the length of each run and the status that it ends with."""

    number: int
    comment: str
    plan: list[tuple[float, int]]
    priority: int
    begin: float
    state: str = "PENDING"
    started: float = 0.0
    ended: float = 0.0
    status: int = 0
    restarts: int = 0
    gone_at: float = 0.0
    submitted: int = 1
    time_limit: int | None = None
    dependency: str = ""
    runs: list[float] = field(default_factory=list[float])

    def raw(self) -> dict[str, Any]:
        return {
            "job_id": self.number,
            "job_state": self.state,
            "state_reason": "JobHeldUser" if self.state == "PENDING" and not self.priority else "None",
            "comment": self.comment,
            "name": "fake",
            "user_name": "nobody",
            "partition": "normal",
            "nodes": "node001" if self.started in self.runs[-1:] else "",
            "priority": self.priority,
            "submit_time": self.submitted,
            "eligible_time": int(self.begin),
            "start_time": int(self.started),
            "end_time": int(self.ended),
            "exit_code": self.status,
            "restart_cnt": self.restarts,
            "time_limit": self.time_limit,
        }


class FakeSlurm:
    """Stands for slurmrestd and for the commands; ``now`` passes by ``pass_time`` only.

    A cancelled job takes ``grace`` seconds to end.
    """

    is_open = False

    def __init__(self, slots: int = 100) -> None:
        self.now = 1_000_000.0
        self.slots = slots
        self.works: dict[int, Work] = {}
        self.plans: dict[str, list[tuple[float, int]]] = {}
        self.trouble: Callable[[str], str | None] = lambda _: None
        self.on_start: Callable[[Work], None] = lambda _: None
        self.refuses_to_take_back = False
        self.grace = 0.0
        self.asked: list[tuple[str, str]] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    def has(self, _: str) -> bool:
        return True

    async def aclose(self) -> None: ...

    async def version(self) -> str:
        return "v0.0.38"

    async def nodes(self) -> list[Any]:
        return [node_record({"name": "node001", "state": "idle", "cpus": 8, "real_memory": 1024})]

    async def partitions(self) -> list[Any]:
        return [partition_record({"name": "normal", "flags": ["default"], "nodes": "node001", "state": "UP"})]

    async def jobs(self, finished: Any = ()) -> list[JobRecord]:
        if self.trouble("list") is not None:
            raise UnavailableError("away")
        return [
            job_record(work.raw())
            for work in self.works.values()
            if work.number not in finished or not has_ended(work.raw())
        ]

    async def submit(self, script: str, job: dict[str, Any], _: str) -> int:
        return await self._do("submit", lambda: self._submit(script, job))

    async def update(
        self, key: str, changes: dict[str, Any], account: str | None = None, *, whole: bool = False
    ) -> None:
        del account
        self.asked.append(("update", key))
        await self._do("update", lambda: self._update(self._work(key), changes))

    async def cancel(self, key: str, signal: str | None = None, account: str | None = None) -> None:
        del account
        if signal is not None:
            self.asked.append((f"signal {signal}", key))
            return
        self.asked.append(("cancel", key))
        await self._do("cancel", lambda: self._cancel(self._work(key)))

    async def take_back(self, key: str) -> None:
        self.asked.append(("take back", key))
        await self._do("take back", lambda: self._take_back(self._work(key)))

    def pass_time(self, seconds: float) -> None:
        """Let jobs start and end until then, in steps of a quarter of a second."""
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            for work in self.works.values():
                if work.state == "COMPLETING" and self.now >= work.gone_at:
                    work.state = "CANCELLED"
                length, status = work.plan[min(len(work.runs), len(work.plan)) - 1] if work.runs else (0.0, 0)
                if work.state == "RUNNING" and self.now >= work.runs[-1] + length:
                    self._end(work, "FAILED" if status else "COMPLETED", status)
            waiting = [work for work in self.works.values() if work.state == "PENDING" and work.priority]
            running = sum(work.state == "RUNNING" for work in self.works.values())
            for work in sorted(waiting, key=lambda work: (-work.priority, work.number))[: self.slots - running]:
                if work.begin <= self.now:
                    work.state, work.started, work.status = "RUNNING", self.now, 0
                    work.runs.append(self.now)
                    self.on_start(work)

    async def _do(self, what: str, action: Callable[[], Any]) -> Any:
        trouble = self.trouble(what)
        if trouble == "away":
            raise UnavailableError("away")
        if trouble == "lost":
            raise InDoubtError("the request was lost")
        done = action()
        if trouble == "unanswered":
            raise InDoubtError("the answer was lost")
        return done

    def _submit(self, script: str, job: dict[str, Any]) -> int:
        number = max(self.works, default=0) + 1
        plan = self.plans[script.splitlines()[-1]]
        priority = 0 if job.get("hold") else 1000
        waits_for = job.get("dependency", "")
        self.works[number] = Work(number, job["comment"], plan, priority, self.now, dependency=waits_for)
        return number

    def _work(self, key: str) -> Work:
        work = self.works.get(int(key))
        if work is None:
            raise NotFoundError("job", key)
        return work

    def _update(self, work: Work, changes: dict[str, Any]) -> None:
        if work.state not in {"PENDING", "RUNNING"}:
            raise StateError("Job has already finished")
        if "priority" in changes and not work.priority:
            return  # error 2042, which is none
        assert set(changes) <= {"hold", "comment", "begin_time", "priority"}
        if "hold" in changes:
            work.priority = 0 if changes["hold"] else 1000
        work.priority = changes.get("priority", work.priority)
        work.comment = changes.get("comment", work.comment)
        work.begin = self.now if changes.get("begin_time") == "now" else work.begin

    def _cancel(self, work: Work) -> None:
        """End a job; one that runs takes its time for that."""
        ends_later = work.state == "RUNNING" and self.grace > 0
        self._end(work, "CANCELLED", 15)
        if ends_later:
            work.state, work.gone_at = "COMPLETING", self.now + self.grace

    def _end(self, work: Work, state: str, status: int) -> None:
        if work.state == "PENDING":
            work.started = self.now
        if work.state in {"PENDING", "RUNNING"}:
            work.state, work.ended, work.status = state, self.now, status

    def requeue(self, work: Work) -> None:
        """Run a job again from its beginning, as an operator may have it."""
        work.state, work.submitted, work.restarts = "PENDING", int(self.now), work.restarts + 1
        work.begin = work.started = self.now + DELAY
        work.ended = 0.0

    def _take_back(self, work: Work) -> None:
        if work.state == "PENDING":
            raise StateError("Job is pending execution")
        if self.refuses_to_take_back:
            raise StateError("Requested operation not supported on this system")
        work.state, work.priority, work.restarts = "PENDING", 0, work.restarts + 1
        work.begin = work.started = self.now + DELAY
        work.ended = 0.0
