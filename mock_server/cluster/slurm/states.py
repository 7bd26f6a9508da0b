"""Slurm's words for what becomes of a job, in those of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import JobState
from mock_server.cluster.slurm.records import state as plain_state

if TYPE_CHECKING:
    from mock_server.cluster.slurm.records import JobRecord

ENDINGS = {
    "COMPLETED": JobState.COMPLETED,
    "FAILED": JobState.FAILED,
    "TIMEOUT": JobState.FAILED,
    "NODE_FAIL": JobState.FAILED,
    "BOOT_FAIL": JobState.FAILED,
    "OUT_OF_MEMORY": JobState.FAILED,
    "DEADLINE": JobState.FAILED,
    "PREEMPTED": JobState.CANCELLED,
    "CANCELLED": JobState.CANCELLED,
    "REVOKED": JobState.CANCELLED,
}
WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"})
REASONS = {"TIMEOUT": "TimeLimit", "NODE_FAIL": "NodeFail", "BOOT_FAIL": "NodeFail", "OUT_OF_MEMORY": "OutOfMemory"}
# Not yet considered, or not yet to be: what competes for nodes is queued.
_NOT_COMPETING = frozenset(
    {"", "None", "JobHeldUser", "JobHeldAdmin", "Dependency", "DependencyNeverSatisfied", "BeginTime"}
)
TERM = 15
_NOT_LAUNCHED = 53
"""What Slurm gives as signal if a script could not be started, for example because its output could not be opened."""


def has_ended(raw: dict[str, Any]) -> bool:
    """Tell whether a job of a list has ended."""
    return plain_state(raw.get("job_state")) in ENDINGS


def job_state(record: JobRecord) -> JobState:
    """Return the state of a job; one that is ending still runs."""
    if record.state in ENDINGS:
        return ENDINGS[record.state]
    if record.state in WAITING:
        return JobState.PENDING if record.reason in _NOT_COMPETING else JobState.QUEUED
    return JobState.RUNNING


def waiting_reason(record: JobRecord) -> str | None:
    """Return why a job waits; whether the user or an operator holds it is one to the APIs."""
    reason = {"JobHeldAdmin": "JobHeldUser", "None": ""}.get(record.reason, record.reason)
    return reason or None


def verdict(record: JobRecord) -> tuple[int, int]:
    """Return with which code and from which signal a script ended; 0 for none."""
    code, signal = record.status >> 8 & 0xFF, record.status & 0x7F
    return (0, 0) if signal == _NOT_LAUNCHED else (code, signal)


def end_reason(record: JobRecord, state: JobState) -> str | None:
    """Return what ended a job badly."""
    if state is not JobState.FAILED:
        return None
    if record.state in REASONS:
        return REASONS[record.state]
    code, signal = verdict(record)
    if signal:
        return f"RaisedSignal:{signal}"  # as Slurm itself has it after 22.05
    if record.status & 0x7F == _NOT_LAUNCHED:
        return "JobLaunchFailure"
    return "NonZeroExitCode" if record.reason in {"", "None"} and code else record.reason or None
