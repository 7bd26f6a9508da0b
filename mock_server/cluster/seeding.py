"""A job that was there before the simulation began."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mock_server.cluster.job import Job, JobState, OutputFile
from mock_server.cluster.log import Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_server.cluster.facility import Terms
    from mock_server.cluster.job import JobRequest


@dataclass(frozen=True, slots=True)
class Past:
    """What has become of a job so far, times in seconds since the epoch.

    ``runs_for`` concerns a running job only: the seconds from now on until it succeeds, ``math.inf`` for never; left
    out, its command is run from now on.  ``node_names`` says where a job was that has ended.  ``log`` has lines with their times, ``outputs`` contents by relative path.
    """

    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    state: JobState = JobState.RUNNING
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    cancel_reason: str | None = None
    held: bool = False
    runs_for: float | None = None
    node_names: tuple[str, ...] = ()
    log: Sequence[tuple[float, str]] = ()
    outputs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def check(self, now: float) -> None:
        """Refuse a past that cannot have happened."""
        times = [self.created_at, self.started_at, self.ended_at, now]
        known = [time for time in times if time is not None]
        if known != sorted(known):
            raise ValueError("created_at, started_at, ended_at and now must follow one another")
        if (self.ended_at is not None) != self.state.is_terminal:
            raise ValueError("ended_at belongs to a job that has ended")
        if self.state is JobState.RUNNING and self.started_at is None:
            raise ValueError("a running job needs started_at")
        if self.state in {JobState.PENDING, JobState.QUEUED} and self.started_at is not None:
            raise ValueError("a waiting job has no started_at")

    def job(self, job_id: str, number: int, request: JobRequest, terms: Terms) -> Job:
        """Build the job as it stands now."""
        failed_alone = self.state is JobState.FAILED and self.reason is None and bool(self.exit_code)
        exit_code = 0 if self.state is JobState.COMPLETED and self.exit_code is None else self.exit_code
        job = Job(
            id=job_id,
            request=request,
            cluster_id=terms.partition.cluster_id,
            state=self.state,
            created_at=self.created_at,
            updated_at=self.ended_at or self.started_at or self.created_at,
            log=Log([], closed=self.state.is_terminal),
            name=request.name,
            priority=request.priority,
            environment=dict(request.environment),
            output_path=request.output_path,
            partition=terms.partition.name,
            account=terms.account,
            time_limit=terms.time_limit,
            eligible_at=self.created_at,
            queued_at=self.created_at if self.state is JobState.QUEUED else None,
            started_at=self.started_at,
            ended_at=self.ended_at,
            exit_code=exit_code,
            signal=self.signal,
            reason="NonZeroExitCode" if failed_alone else self.reason,
            cancel_reason=self.cancel_reason,
            held=self.held,
            allocation=tuple((name, 1) for name in self.node_names),
            number=number,
        )
        for at, text in self.log:
            job.log.append(at, text)
        for path, content in self.outputs.items():
            absolute = f"{job.output_directory.rstrip('/')}/{path}"
            job.outputs[absolute] = OutputFile(absolute, content, job.updated_at)
        return job
