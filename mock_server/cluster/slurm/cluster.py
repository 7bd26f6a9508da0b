"""``SlurmCluster``: a ``ClusterBackend`` whose jobs really run."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from mock_server.cluster import signals
from mock_server.cluster.backend import (
    ClusterError,
    RequestError,
    StateError,
    UnavailableError,
    UnsupportedError,
)
from mock_server.cluster.job import JobState
from mock_server.cluster.slurm import depending, submission
from mock_server.cluster.slurm.access import InDoubtError
from mock_server.cluster.slurm.identity import key_of, slurm_key, tag_of
from mock_server.cluster.slurm.keeping import Keeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from mock_server.cluster.job import Job, JobRequest
    from mock_server.cluster.node import Cluster, ScalePolicy
    from mock_server.cluster.slurm.identity import Tag

PATIENCE = 2.0
"""Seconds that a cancellation waits for the job to be gone, before it is left to the events."""

PORTION = 500
_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})

_log = logging.getLogger("mock_server")


class SlurmCluster(Keeping):
    """The local view is what one list of all jobs told last; commands go to Slurm at once.

    ``open`` begins to ask and ``aclose`` ends it, both in the loop of the server.
    """

    async def submit(self, request: JobRequest) -> Job:
        """Take a job in; one that was taken in under the same idempotency key is returned instead, also after a restart."""
        if self.trouble is not None:
            await self.look()
        partition = self._layout.partition_for(request)
        located = submission.located(request, self.settings)
        script, tag = submission.script(located, self.settings), tag_of(request)
        if (known := await self._repeated(request, tag)) is not None:
            return known
        waits_for = await depending.unmet(request, self._roster, self.rest)
        account = self.settings.account(request.user_id)
        await self._make_way(located)
        version = await self._version()
        tag = self._admitted(request, tag)
        asked = located._replace(dependencies=waits_for, hold=located.hold or tag.gate is not None)
        job = submission.description(asked, partition.name, tag.text(), version, self.settings)
        self._in_flight[tag.token] = request
        self._doubts.begin(located, tag, partition.name, account)
        try:
            number = await self.rest.submit(script, job, account)
        except ClusterError as error:
            self._doubts.failed(tag.token, error)
            in_doubt = time.monotonic() + self.settings.settle if isinstance(error, InDoubtError) else None
            self._roster.gate.settled(tag.token, until=in_doubt)
            if isinstance(error, UnavailableError):
                # A list that is under way may take long to find out.
                self.trouble = error
                self._look_soon()
            if isinstance(error, RequestError) and error.field == "array":
                raise RequestError(
                    "array", f"{error}; {max(request.array)} must be below Slurm's MaxArraySize"
                ) from None
            raise
        except asyncio.CancelledError:
            self._roster.gate.settled(tag.token, until=time.monotonic() + self.settings.settle)
            raise
        finally:
            del self._in_flight[tag.token]
        self._doubts.over(tag.token)
        self._roster.gate.settled(tag.token, taken=True)
        created = self._roster.submitted(number, located, tag, partition.name, time.time(), account)
        self._submitted_at = time.monotonic()
        self._look_soon()
        if request.priority and not asked.hold and self.settings.operator is not None:
            await self._begin_with(created, request.priority)
        return created

    async def cancel(
        self, job_id: str, reason: str | None = None, *, signal: str = "SIGTERM", force: bool = False
    ) -> Job:
        number = signals.number(signal)
        jobs = self._roster.several(job_id)
        active = [job for job in jobs if not job.state.is_terminal]
        if not active and any(job.state is not JobState.CANCELLED for job in jobs):
            _refuse_terminal(jobs, "cancelled")
        whole = job_id in self._roster.arrays
        waiting = [job for job in active if job.state in _WAITING]
        ends = force or number in {signals.TERM, signals.KILL}
        sent = None if ends or len(waiting) == len(active) else number
        for job in active:
            self._roster.cancelling(job, reason, sent)
        try:
            async with self._in_turn(active):
                for key in [slurm_key(job_id)] if whole else [slurm_key(job.id) for job in active]:
                    # Without a signal Slurm sends TERM, waits for KillWait and sends KILL.
                    await self.rest.cancel(key, None if sent is None else str(sent))
                for job in waiting:
                    if job.id in self._roster.owed:
                        self._roster.cancelled(job, time.time())
        except ClusterError as error:
            if not isinstance(error, InDoubtError):
                for job in active:
                    self._roster.not_cancelling(job)
            raise
        # Slurm takes the cancellation of a job that has ended, and one that waited at the last look may have.
        await self._ended(active if ends else waiting)
        if active and all(job.state.is_terminal and job.state is not JobState.CANCELLED for job in active):
            _refuse_terminal(tuple(active), "cancelled")
        return jobs[0]

    async def delete(self, job_id: str) -> None:
        jobs = self._roster.several(job_id)
        if not all(job.state.is_terminal for job in jobs):
            try:
                await self.cancel(job_id, force=True)
            except StateError:
                if not all(job.state.is_terminal for job in jobs):
                    raise
        async for job in _in_portions(jobs):
            if job.id in self._roster.jobs:
                self._roster.deleted(job, time.time())
        self._roster.flush()

    async def update(
        self,
        job_id: str,
        *,
        name: str | None = None,
        priority: int | None = None,
        environment: Mapping[str, str] | None = None,
        output_path: str | None = None,
    ) -> Job:
        job = self._roster.get(job_id)
        if environment is not None or output_path is not None:
            if job.state not in _WAITING:
                raise StateError(f"Job {job.id!r} is {job.state.value}: environment and output path are fixed")
            raise UnsupportedError("the environment and the output path of a job are fixed once Slurm has it")
        if priority is not None:
            await self.set_priority(job_id, priority)
        if name is not None:
            job.name = name
            self._roster.changed_by_hand(job, "job.updated", time.time())
            self._roster.flush()
        return job

    async def set_priority(self, job_id: str, priority: int) -> Job:
        jobs = self._roster.several(job_id)
        for job in _active(jobs, "given another priority"):
            await self._prioritize(job, priority)
        return jobs[0]

    async def hold(self, job_id: str, reason: str | None = None) -> Job:
        jobs = self._roster.several(job_id)
        async with self._in_turn(list(jobs)):
            active = _active(jobs, "held")
            at_once = await self._change_at_once(job_id, jobs, hold=True)
            async for job in _in_portions(active):
                if not job.state.is_terminal and (not self._is_held(job) or reason not in {None, job.hold_reason}):
                    if not at_once:
                        await self._hold(job)
                    job.held, job.hold_reason = True, reason
                    if job.state in _WAITING:
                        job.reason = "JobHeldUser"
                    self._roster.changed_by_hand(job, "job.held", time.time(), reason=reason)
            self._roster.flush()
        self._look_soon()
        return jobs[0]

    async def release(self, job_id: str) -> Job:
        jobs = self._roster.several(job_id)
        async with self._in_turn(list(jobs)):
            active = _active(jobs, "released")
            at_once = await self._change_at_once(job_id, jobs, hold=False)
            async for job in _in_portions(active):
                if not job.state.is_terminal and self._is_held(job) is not False:
                    if not at_once:
                        await self._release(job)
                    job.held, job.hold_reason, job.reason = False, None, None
                    self._roster.changed_by_hand(job, "job.released", time.time())
            self._roster.flush()
        self._look_soon()
        return jobs[0]

    async def scale(self, id_or_name: str, policy: ScalePolicy) -> Cluster:  # noqa: ARG002
        self._layout.find(id_or_name)
        raise UnsupportedError("Slurm's nodes are fixed by its configuration")

    async def fail_node(self, cluster_id: str, node_name: str, reason: str) -> None:
        await self._set_node(cluster_id, node_name, "down", reason)

    async def restore_node(self, cluster_id: str, node_name: str) -> None:
        await self._set_node(cluster_id, node_name, "resume")

    async def drain_node(self, cluster_id: str, node_name: str, reason: str, timeout: float | None = None) -> None:
        if timeout is not None and timeout < 0:
            raise RequestError("timeout", "timeout must not be negative")
        await self._set_node(cluster_id, node_name, "drain", reason)
        if timeout is not None:
            self._keep(asyncio.create_task(self._evict(node_name, timeout)))

    async def _repeated(self, request: JobRequest, tag: Tag) -> Job | None:
        """Return the job that was taken in before under the key of a request."""
        if key_of(request) is None:
            return None
        if tag.token in self._doubts:
            # It may have been taken in although no answer came; only Slurm knows.
            await self.look()
            if tag.token in self._doubts:
                error = UnavailableError("an earlier attempt under this key got no answer and may still be carried out")
                error.retry_after = max(1.0, self._doubts.left(tag.token))
                raise error
        job_id = self._roster.by_token.get(tag.token)
        return None if job_id is None else self._roster.jobs.get(job_id)

    async def _prioritize(self, job: Job, priority: int) -> None:
        previous = job.priority
        if job.state in _WAITING and not job.held and not self._keeps(job):
            await self.rest.update(slurm_key(job.id), {"priority": max(1, priority)})
        job.priority = priority
        if self._keeps(job):
            self._roster.lines.enter(job)
        self._roster.changed_by_hand(job, "job.priority", time.time(), priority=priority, previous_priority=previous)
        self._look_soon()

    async def _set_node(self, cluster_id: str, name: str, state: str, reason: str | None = None) -> None:
        self._layout.find(cluster_id)
        self._layout.node(name)
        await self.commands.update_node(name, state, reason)
        if state == "down":
            self._layout.went_down(name, reason, self._history, time.time())
        await self.refresh(layout=True)

    async def _evict(self, node_name: str, timeout: float) -> None:
        """Send back what still runs on a node that was to be empty by now."""
        await asyncio.sleep(timeout)
        for job in list(self._roster.active.values()):
            if node_name in job.node_names and job.state is JobState.RUNNING:
                try:
                    await self.commands.requeue(slurm_key(job.id))
                except ClusterError as error:
                    _log.warning("job %s stays on %s: %s", job.id, node_name, error)
        self._look_soon()

    async def _ended(self, jobs: list[Job]) -> None:
        """Wait until jobs have ended, but not for ever; where lists take long, for the one under way and the next."""
        self._look_soon()
        try:
            async with asyncio.timeout(PATIENCE + self._relief() + 2 * self._listing):
                while not all(job.state.is_terminal for job in jobs):
                    await self._changed.wait()
        except TimeoutError:
            return


async def _in_portions(jobs: Sequence[Job]) -> AsyncIterator[Job]:
    """Yield jobs, and let others have their turn now and then: an array may have very many tasks."""
    for number, job in enumerate(jobs, 1):
        yield job
        if number % PORTION == 0:
            await asyncio.sleep(0)


def _active(jobs: tuple[Job, ...], action: str) -> list[Job]:
    active = [job for job in jobs if not job.state.is_terminal]
    if not active:
        _refuse_terminal(jobs, action)
    return active


def _refuse_terminal(jobs: tuple[Job, ...], action: str) -> None:
    job = next(job for job in jobs if job.state.is_terminal)
    raise StateError(f"Job {job.id!r} is {job.state.value} and cannot be {action}")
