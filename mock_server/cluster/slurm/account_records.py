"""What Slurm's accounting tells, in one form whatever its version.

slurmrestd (``slurmdb``) and ``sacct --json`` write the same; from v0.0.40 on numbers are grouped, as in ``records``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mock_server.cluster.consumption import UNMEASURED, Consumption
from mock_server.cluster.layout import Account, Qos
from mock_server.cluster.slurm.records import job_record as listed_job, number, state
from mock_server.cluster.slurm.states import ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mock_server.cluster.slurm.records import JobRecord

_MICRO = 1e-6
_MINUTE = 60.0
_NO_AMOUNT = 2**62
"""Slurm writes amounts near the top of their range for none."""
_REQUEUED = "REQUEUED"
_NO_NODES = "None assigned"


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One run of a job: what its steps used, and whether that is all; a job that was requeued has several."""

    key: str
    submitted: int
    state: str
    is_complete: bool
    cpu_seconds: float | None
    max_memory: int | None


@dataclass(frozen=True, slots=True)
class AssociationRecord:
    """What a user may do: one account in one partition, or in all of them if ``partition`` is empty."""

    user: str
    account: str
    partition: str
    qos: tuple[str, ...]
    is_default: bool


def usage_record(raw: dict[str, Any]) -> UsageRecord:
    """Return a run from its steps: Slurm adds nothing up for the whole job."""
    array, times = _group(raw.get("array")), _group(raw.get("time"))
    whole, task = number(array.get("job_id"), 0) or 0, number(array.get("task_id"), None)
    own = number(raw.get("job_id"), 0) or 0
    steps = [_group(step) for step in _list(raw.get("steps"))]
    words = _group(raw.get("state")).get("current")
    # From v0.0.40 on a run that was requeued is pending besides.
    word = _REQUEUED if isinstance(words, list) and _REQUEUED in words else state(words)
    seconds = sum(_seconds(_group(step.get("time")).get("total")) for step in steps)
    memory = [amount for step in steps if (amount := _memory(step)) is not None]
    return UsageRecord(
        key=str(own) if not whole or task is None else f"{whole}_{task}",
        submitted=number(times.get("submission"), 0) or 0,
        state=word,
        is_complete=(word in ENDINGS or word == _REQUEUED)
        # What slurmdbd missed reaches it bit by bit: first that there was a job, later its end and its steps.
        and bool(number(times.get("end"), 0))
        and bool(steps or not _nodes(raw))
        and all(_has_ended(step) for step in steps),
        # Where Slurm is told not to look, it writes 0; a shell alone takes some milliseconds.
        cpu_seconds=seconds or None,
        max_memory=max(memory, default=None),
    )


def job_record(raw: dict[str, Any]) -> JobRecord:
    """Return a run as a job that Slurm lists."""
    times, given = _group(raw.get("time")), _group(raw.get("tres")).get("allocated")
    array, words = _group(raw.get("array")), _group(raw.get("state"))
    nodes = number(raw.get("allocation_nodes"), 1) or 1
    gpus = sum(amount for name, amount in _amounts(given) if name == "gres/gpu")
    amounts = dict(_amounts(given))
    return listed_job(
        {
            "job_id": raw.get("job_id"),
            "array_job_id": array.get("job_id"),
            "array_task_id": array.get("task_id"),
            "name": raw.get("name"),
            "job_state": words.get("current"),
            "state_reason": words.get("reason"),
            "comment": raw.get("comment"),
            "account": raw.get("account"),
            "user_name": raw.get("user"),
            "qos": raw.get("qos"),
            "partition": raw.get("partition"),
            "nodes": _nodes(raw),
            "cpus": amounts.get("cpu"),
            "node_count": nodes,
            "tres_per_node": f"gpu:{gpus // nodes}",
            "memory_per_node": amounts.get("mem", 0) // nodes,
            "time_limit": times.get("limit"),
            "submit_time": times.get("submission"),
            "eligible_time": times.get("eligible"),
            "start_time": times.get("start"),
            "end_time": times.get("end"),
            "exit_code": raw.get("exit_code"),
            "standard_output": raw.get("stdout_expanded", raw.get("stdout")),
            "standard_error": raw.get("stderr_expanded", raw.get("stderr")),
            "current_working_directory": raw.get("working_directory"),
        }
    )


def consumption(runs: Iterable[UsageRecord], started: int) -> Consumption | None:
    """Return what a job used in all its runs, of which ``started`` had nodes; ``None`` while that is not yet written.

    GPUs are given out by Slurm, but not watched.
    """
    ordered = sorted(runs, key=lambda run: run.submitted)
    if not ordered or ordered[-1].state == _REQUEUED or not all(run.is_complete for run in ordered):
        return None
    used = [run for run in ordered if run.cpu_seconds is not None]
    if len(used) < started:  # one of the runs was not watched
        return UNMEASURED
    memory = [run.max_memory for run in used if run.max_memory is not None]
    seconds = sum(run.cpu_seconds or 0.0 for run in used)
    return Consumption(seconds, None, max(memory) if len(memory) == len(used) else None)


def association_record(raw: dict[str, Any]) -> AssociationRecord | None:
    """Return an association of a user; those of whole accounts are none."""
    user, account = _text(raw.get("user")), _text(raw.get("account"))
    if not user or not account:
        return None
    qos = tuple(str(name) for name in _list(raw.get("qos")) if name)
    return AssociationRecord(user, account, _text(raw.get("partition")), qos, bool(raw.get("is_default")))


def account(raw: dict[str, Any]) -> Account | None:
    """Return an account from the association that stands for all of it; ``None`` for that of a user."""
    name = _text(raw.get("account"))
    if not name or _text(raw.get("user")):
        return None
    return Account(name, number(raw.get("shares_raw"), 1) or 1, _text(raw.get("parent_account")) or None)


def qos(raw: dict[str, Any]) -> Qos:
    """Return a quality of service with its limits."""
    most = _group(_group(raw.get("limits")).get("max"))
    walls = number(_group(_group(most.get("wall_clock")).get("per")).get("job"), None)
    jobs = _group(_group(_group(most.get("jobs")).get("active_jobs")).get("per"))
    return Qos(
        _text(raw.get("name")),
        priority=number(raw.get("priority"), 0) or 0,
        max_jobs_per_user=number(jobs.get("user"), None),
        max_wall=None if walls is None else walls * _MINUTE,
    )


def admin_level(raw: dict[str, Any]) -> tuple[str, str]:
    """Return the name of a user and what it may do."""
    return _text(raw.get("name")), state(raw.get("administrator_level")).lower()


def _seconds(value: Any) -> float:
    """Return a time of two parts; the second one may be more than a second."""
    time = _group(value)
    return (number(time.get("seconds"), 0) or 0) + (number(time.get("microseconds"), 0) or 0) * _MICRO


def _memory(step: dict[str, Any]) -> int | None:
    """Return the most memory of all tasks of a step together, in bytes; a short one may have ended unseen."""
    seen = _group(_group(step.get("tres")).get("requested"))
    for name in ("total", "max"):
        for amount in _list(seen.get(name)):
            count = _group(amount).get("count")
            if _group(amount).get("type") == "mem" and isinstance(count, int) and 0 < count < _NO_AMOUNT:
                return count
    return None


def _amounts(value: Any) -> list[tuple[str, int]]:
    """Return what was given of each kind, such as ``cpu`` and ``gres/gpu``."""
    found: list[tuple[str, int]] = []
    for each in map(_group, _list(value)):
        count, name = each.get("count"), _text(each.get("name"))
        if isinstance(count, int) and 0 < count < _NO_AMOUNT:
            found.append((_text(each.get("type")) + (f"/{name}" if name else ""), count))
    return found


def _nodes(raw: dict[str, Any]) -> str:
    return _text(raw.get("nodes")).replace(_NO_NODES, "")


def _has_ended(step: dict[str, Any]) -> bool:
    return state(step.get("state")) in ENDINGS


def _group(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
