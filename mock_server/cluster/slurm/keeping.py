"""What Slurm has no word for, kept by the server above it: limits of queues, retries, and seconds.

Whatever is decided is written into Slurm in the same call that does it, so that another server, or this one later, goes on
from there.  Decisions are made after each list of the jobs; commands of callers and these take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import ClusterError, StateError, UnavailableError
from mock_server.cluster.job import JobState
from mock_server.cluster.slurm import deadlines
from mock_server.cluster.slurm.access import InDoubtError
from mock_server.cluster.slurm.following import Following
from mock_server.cluster.slurm.identity import slurm_key
from mock_server.cluster.slurm.submission import at_once

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.slurm.identity import Tag
    from mock_server.cluster.slurm.settings import SlurmSettings

_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})
_log = logging.getLogger("mock_server")


class Keeping(Following):
    """The local view, and what the server does by itself when it changes."""

    def __init__(self, settings: SlurmSettings, *, state: str | None = None, history_limit: int = 200_000) -> None:
        super().__init__(settings, state=state, history_limit=history_limit)
        self._hands = asyncio.Lock()
        self._ending: set[tuple[str, float | None]] = set()
        self._refused: set[str] = set()
        self._unsure: dict[str, float] = {}

    async def open(self) -> None:
        self._hands = asyncio.Lock()
        self._roster.can_retry = self.commands.has("scontrol")
        await super().open()

    async def _attend(self) -> None:
        async with self._hands:
            self._unsure = {job_id: at for job_id, at in self._unsure.items() if at >= self._roster.asked_at}
            try:
                for step in (self._take_back, self._mark, self._end_the_late, self._let_through):
                    try:
                        await step()
                    except ClusterError as error:
                        _log.info("%s", error)  # the next list brings the next attempt
            finally:
                self._count()
                self._roster.flush()

    def _in_turn(self, jobs: list[Job]) -> AbstractAsyncContextManager[Any]:
        """Keep the server from acting on jobs while a caller does, if it might."""
        is_ours = any(self._roster.gate.minds(job) for job in jobs)
        return self._hands if is_ours else contextlib.nullcontext()

    def _admitted(self, request: JobRequest, tag: Tag) -> Tag:
        """Return the tag of a new job, marked if the server has to hold it."""
        queue = None if request.queue is None else self._layout.queues.get(request.queue)
        if queue is None or request.hold or request.array:
            return tag
        is_admitted = self._roster.gate.admits(tag.token, queue.name, queue.max_concurrency)
        return tag if is_admitted else replace(tag, gate="held")

    def _is_held(self, job: Job) -> bool | None:
        """Tell whether a caller holds a job, ``None`` while an answer of Slurm about that is missing."""
        return None if job.id in self._unsure else job.held

    def _keeps(self, job: Job) -> bool:
        """Tell whether it is the server that has a waiting job wait."""
        return job.id in self._roster.gate.held or job.id in self._roster.owed

    async def _version(self) -> tuple[int, ...]:
        return tuple(map(int, (await self.rest.version()).removeprefix("v").split(".")))

    async def _hold(self, job: Job) -> None:
        """Let Slurm hold a job for a caller."""
        gate = self._roster.gate
        if job.id in self._roster.owed:
            return  # it comes back held
        if gate.minds(job):
            tag = gate.mark(job, None)
            await self._change(job, {"hold": True, "comment": tag.text()})
            gate.marked(job, tag)
        else:
            await self._change(job, {"hold": True})
        self._roster.acted(job, time.time())

    async def _release(self, job: Job) -> None:
        """Undo the hold of a caller; the server may go on holding the job."""
        gate = self._roster.gate
        if job.id in self._roster.owed:
            gate.returning.add(job.id)
            return
        if gate.minds(job):
            tag = gate.mark(job, "held")
            await self._change(job, {"hold": True, "comment": tag.text()})
            gate.marked(job, tag)
            job.eligible_at = max(time.time(), job.eligible_at or 0.0)
        else:
            await self._change(job, {"hold": False})
        self._roster.acted(job, time.time())

    async def _change_at_once(self, job_id: str, jobs: tuple[Job, ...], *, hold: bool) -> bool:
        """Hold or release all tasks of an array by one call, if they all wait and none is in the server's hands."""
        tasks = self._roster.arrays.get(job_id, ())
        if len(tasks) < 2 or not all(job.state in _WAITING and not self._keeps(job) for job in jobs):
            return False
        try:
            await self.rest.update(slurm_key(job_id), {"hold": hold}, whole=True)
        except StateError:
            await self.refresh()  # some had begun meanwhile, the others have been changed
            return False
        except InDoubtError:
            self._unsure.update(dict.fromkeys((job.id for job in jobs), time.time()))
            raise
        for job in jobs:
            self._roster.acted(job, time.time())
        return True

    async def _change(self, job: Job, changes: dict[str, Any]) -> None:
        """Change a job for a caller; without an answer nobody knows for a while whether it is held."""
        try:
            await self.rest.update(slurm_key(job.id), changes)
        except InDoubtError:
            self._unsure[job.id] = time.time()
            raise
        self._unsure.pop(job.id, None)

    async def _begin_with(self, job: Job, priority: int) -> None:
        """Give a job its priority, which only an operator may; Slurm has the job already, whatever becomes of this."""
        try:
            key, whole = slurm_key(job.array_job_id or job.id), job.array is not None
            await self.rest.update(key, {"priority": max(1, priority)}, whole=whole)
        except ClusterError as error:
            _log.info("job %s keeps Slurm's priority: %s", job.id, error)

    async def _take_back(self) -> None:
        """Let Slurm take back the jobs that have failed and may try again."""
        roster = self._roster
        self._refused &= roster.owed.keys()
        for job_id in list(roster.owed):
            job = roster.jobs[job_id]
            try:
                await self.commands.take_back(slurm_key(job_id))
            except UnavailableError:
                raise
            except ClusterError as error:
                # It may wait already, which a new list will tell.
                if isinstance(error, StateError) and job_id not in self._refused:
                    self._refused.add(job_id)
                    continue
                _log.warning("job %s is not run again: %s", job_id, error)
                roster.give_up(job, time.time())
            else:
                del roster.owed[job_id]
                if job.held:
                    await self._write(job, roster.gate.mark(job, None), {})
                else:
                    roster.gate.held[job_id] = job
            self._refused.discard(job_id)

    async def _mark(self) -> None:
        """Write down who holds the jobs that have come back, and which ones somebody else has let go."""
        gate = self._roster.gate
        for job in gate.unmarked():
            await self._write(job, gate.mark(job, "held"), {"begin_time": at_once(await self._version(), time.time())})
        for job in list(gate.overruled.values()):
            await self._write(job, gate.mark(job, "exempt"), {})

    async def _let_through(self) -> None:
        """Let go of the first in each line for whom there is a place."""
        roster, gate = self._roster, self._roster.gate
        self._count()
        decision = gate.decide(self._layout.queues, roster.active.values(), self._is_ready)
        for job in decision.release:
            gate.granted.add(job.id)
            changes: dict[str, Any] = {"hold": False}
            if job.retries:
                changes["begin_time"] = at_once(await self._version(), time.time())
            try:
                await self._write(job, gate.mark(job, None), changes)
            except InDoubtError:
                raise
            except UnavailableError:
                gate.granted.discard(job.id)
                raise
            roster.let_go(job)
            if job.priority and self.settings.operator is not None:
                await self._begin_with(job, job.priority)
        for job in decision.retract:
            await self._write(job, gate.mark(job, "held"), {"hold": True}, is_sure=False)
        if decision.release or decision.retract:
            self._look_soon()

    async def _write(self, job: Job, tag: Tag, changes: dict[str, Any], *, is_sure: bool = True) -> None:
        """Change a job that waits together with its mark; one that has ended or started meanwhile is left to the next list."""
        try:
            await self.rest.update(slurm_key(job.id), {**changes, "comment": tag.text()}, self._acting_for(job))
        except UnavailableError:
            raise
        except ClusterError as error:
            _log.info("job %s: %s", job.id, error)
            return
        if is_sure:
            self._roster.gate.marked(job, tag)

    async def _end_the_late(self) -> None:
        """End the jobs whose time is over."""
        now = time.time()
        late = [job for job in self._roster.active.values() if deadlines.is_over(job, now)]
        self._ending &= {(job.id, job.started_at) for job in late}
        for job in late:
            if (job.id, job.started_at) in self._ending or self._roster.is_being_cancelled(job):
                continue
            try:
                await self.rest.cancel(slurm_key(job.id), account=self._acting_for(job))
            except UnavailableError:
                raise
            except ClusterError as error:
                _log.info("job %s: %s", job.id, error)
            self._ending.add((job.id, job.started_at))
        if late:
            self._look_soon()

    def _acting_for(self, job: Job) -> str:
        """Return the account that may do to a job what the server does by itself."""
        return self.settings.operator or self._roster.account(job) or self.settings.user

    def _count(self) -> None:
        roster = self._roster
        roster.gate.count(roster.active.values(), roster.by_token.keys(), time.monotonic())

    def _is_ready(self, job: Job) -> bool:
        """Tell whether nothing but its queue keeps a job from competing."""
        if job.id in self._roster.gate.returning:
            return False
        if job.eligible_at is not None and job.eligible_at > time.time():
            return False
        named = [dependency.job_id for dependency in job.dependencies if dependency.job_id is not None]
        others = [self._roster.jobs[job_id] for job_id in named if job_id in self._roster.jobs]
        return all(other.state.is_terminal for other in others)
