"""What slurmrestd tells, in one form whatever its version.

v0.0.38 and v0.0.39 write numbers and states plainly; from v0.0.40 on a number is ``{"set", "infinite", "number"}`` and
a state is a list of words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from mock_server.cluster.node import Machine

COMPLETING = "COMPLETING"
_NEVER = 2**32 - 16
"""Slurm writes numbers near the top of their range for what has no value."""


class JobRecord(NamedTuple):
    """One job, or the waiting rest of an array; times are whole seconds since the epoch, 0 for none; amounts per job."""

    job_id: int
    array_job_id: int
    array_task_id: int | None
    waiting_tasks: str
    name: str
    state: str
    reason: str
    comment: str
    account: str
    user: str
    qos: str
    partition: str
    nodes: str
    cpus: int
    node_count: int
    gpus: int
    memory_per_node: int
    priority: int
    time_limit: float | None
    submitted: int
    eligible: int
    started: int
    ended: int
    status: int
    restarts: int
    stdout: str
    stderr: str
    directory: str
    dependency: str

    @property
    def key(self) -> str:
        """What Slurm calls this job: ``17``, or ``17_3`` for a task of an array."""
        return str(self.job_id) if self.array_task_id is None else f"{self.array_job_id}_{self.array_task_id}"


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node; memory in bytes."""

    name: str
    states: frozenset[str]
    cpus: int
    memory: int
    gpus: int
    gpu_type: str | None
    free_cpus: int
    free_memory: int
    gpus_used: int
    features: tuple[str, ...]
    reason: str
    boot_time: float
    last_busy: float
    machine: Machine


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """One partition; times in seconds, ``None`` for no limit."""

    name: str
    nodes: tuple[str, ...]
    state: str
    is_default: bool
    default_time: float | None
    max_time: float | None
    max_nodes: int | None
    priority: int


def job_record(raw: dict[str, Any]) -> JobRecord:
    task = number(raw.get("array_task_id"), None)
    array = number(raw.get("array_job_id"), 0) or 0
    limit = number(raw.get("time_limit"), None)
    nodes = number(raw.get("node_count"), 1) or 1
    return JobRecord(
        job_id=number(raw.get("job_id"), 0) or 0,
        array_job_id=array,
        array_task_id=task if array else None,
        waiting_tasks=_text(raw.get("array_task_string")),
        name=_text(raw.get("name")),
        state=state(raw.get("job_state")),
        reason=_text(raw.get("state_reason")),
        comment=_comment(raw.get("comment")),
        account=_text(raw.get("account")),
        user=_text(raw.get("user_name")),
        qos=_text(raw.get("qos")),
        partition=_text(raw.get("partition")),
        nodes=_text(raw.get("nodes")),
        cpus=number(raw.get("cpus"), 1) or 1,
        node_count=nodes,
        gpus=gpu_count(_text(raw.get("tres_per_node"))),
        memory_per_node=_memory(raw, nodes),
        priority=number(raw.get("priority"), 0) or 0,
        time_limit=None if limit is None else limit * 60.0,
        submitted=number(raw.get("submit_time"), 0) or 0,
        eligible=number(raw.get("eligible_time"), 0) or 0,
        started=number(raw.get("start_time"), 0) or 0,
        ended=number(raw.get("end_time"), 0) or 0,
        status=_status(raw.get("exit_code")),
        restarts=number(raw.get("restart_cnt"), 0) or 0,
        # From v0.0.43 on the one is what was asked for, with its %j.
        stdout=_text(raw.get("stdout_expanded") or raw.get("standard_output")),
        stderr=_text(raw.get("stderr_expanded") or raw.get("standard_error")),
        directory=_text(raw.get("current_working_directory")),
        dependency=_text(raw.get("dependency")),
    )


def node_record(raw: dict[str, Any]) -> NodeRecord:
    words = raw.get("state")
    states = {words} if isinstance(words, str) else set(words or ())
    cpus, memory = number(raw.get("cpus"), 0) or 0, number(raw.get("real_memory"), 0) or 0
    gres = _text(raw.get("gres"))
    kind = re.search(r"gpu:([A-Za-z][\w.-]*):\d", gres)
    features = raw.get("features")
    listed = features.split(",") if isinstance(features, str) else features or []
    return NodeRecord(
        name=_text(raw.get("name")),
        states=frozenset(word.upper() for word in (*states, *(raw.get("state_flags") or ()))),
        cpus=cpus,
        memory=memory * 2**20,
        gpus=gpu_count(gres),
        gpu_type=kind[1] if kind else None,
        free_cpus=cpus - (number(raw.get("alloc_cpus"), 0) or 0),
        free_memory=(memory - (number(raw.get("alloc_memory"), 0) or 0)) * 2**20,
        gpus_used=gpu_count(_text(raw.get("gres_used"))),
        features=tuple(str(feature) for feature in listed if feature),
        reason=_text(raw.get("reason")),
        boot_time=float(number(raw.get("boot_time"), 0) or 0),
        last_busy=float(number(raw.get("last_busy"), 0) or 0),
        machine=_machine(raw),
    )


def partition_record(raw: dict[str, Any]) -> PartitionRecord:
    """Return a partition; from v0.0.39 on what belongs together is grouped."""
    groups = {name: _group(raw.get(name)) for name in ("nodes", "defaults", "maximums", "partition", "priority")}
    nodes = groups["nodes"].get("configured") if groups["nodes"] else raw.get("nodes")
    default = number(raw.get("default_time_limit", groups["defaults"].get("time")), None)
    longest = number(raw.get("max_time_limit", groups["maximums"].get("time")), None)
    widest = number(raw.get("maximum_nodes_per_job", groups["maximums"].get("nodes")), None)
    tier = number(raw.get("priority_tier", groups["priority"].get("tier")), 1)
    flags = {str(flag).upper() for flag in raw.get("flags") or ()}
    return PartitionRecord(
        name=_text(raw.get("name")),
        nodes=expand(_text(nodes)),
        state=state(raw.get("state", groups["partition"].get("state"))),
        is_default="DEFAULT" in flags,
        default_time=None if default is None else default * 60.0,
        max_time=None if longest is None else longest * 60.0,
        max_nodes=widest,
        priority=1 if tier is None else tier,
    )


def number(value: Any, default: int | None) -> int | None:
    """Return a number of any version; ``default`` if it is not set or infinite."""
    if type(value) is int:  # the plain case first: a list has tens of thousands of them
        return value if 0 <= value < _NEVER else default
    if isinstance(value, dict):
        group = _group(value)
        value = group.get("number") if group.get("set") and not group.get("infinite") else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return int(value) if 0 <= value < _NEVER else default


def state(value: Any) -> str:
    """Return the state itself, without what goes with it; but a job that is ending still runs, whatever its end will be."""
    words = [value] if isinstance(value, str) else [str(word) for word in value or ("",)]
    return COMPLETING if COMPLETING in words else words[0].upper()


def gpu_count(text: str) -> int:
    """Return how many GPUs a text such as ``gres:gpu:a100:2(IDX:0-1)`` means."""
    return sum(map(int, re.findall(r"gpu(?::[A-Za-z][\w.-]*)?[:=](\d+)", text))) if text else 0


def expand(text: str) -> tuple[str, ...]:
    """Return the names that a text such as ``gpu[001-002,005],cpu1`` stands for."""
    names: list[str] = []
    for part in re.findall(r"[^,\[]+(?:\[[^\]]*\][^,\[]*)*", text):
        names += _expand_one(part)
    return tuple(names)


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a text such as ``1-3,7%2``; one that Slurm cut short gives those that are there."""
    found: list[int] = []
    for first, last, step in re.findall(r"(\d+)(?:-(\d+)(?::(\d+))?)?(?=[,\]%]|$)", text.partition("%")[0]):
        found += range(int(first), int(last or first) + 1, int(step or 1))
    return tuple(found)


def _expand_one(part: str) -> list[str]:
    match = re.match(r"([^\[]*)\[([^\]]*)\](.*)", part)
    if match is None:
        return [part]
    head, ranges, tail = match.groups()
    names: list[str] = []
    for piece in ranges.split(","):
        first, _, last = piece.partition("-")
        for value in range(int(first), int(last or first) + 1):
            names += [f"{head}{value:0{len(first)}d}{rest}" for rest in _expand_one(tail)]
    return names


def _machine(raw: dict[str, Any]) -> Machine:
    load = number(raw.get("cpu_load"), None)
    free = number(raw.get("free_memory", raw.get("free_mem")), None)
    return Machine(
        cpu_load=None if load is None else load / 100,
        free_memory=None if free is None else free * 2**20,
        architecture=_text(raw.get("architecture")),
        system=_text(raw.get("operating_system")),
    )


def _memory(raw: dict[str, Any], nodes: int) -> int:
    per_node = number(raw.get("memory_per_node"), None)
    if per_node is not None:
        return per_node * 2**20
    per_cpu = number(raw.get("memory_per_cpu"), 0) or 0
    return per_cpu * 2**20 * (number(raw.get("cpus"), 1) or 1) // nodes


def _status(value: Any) -> int:
    """Return a status as ``wait`` gives it."""
    group = _group(value)
    if "return_code" in group:
        signal = _group(group.get("signal"))
        code = number(group["return_code"], 0) or 0
        return code << 8 | (number(signal.get("signal_id", signal.get("id")), 0) or 0)
    return number(value, 0) or 0


def _group(value: Any) -> dict[str, Any]:
    """Return what is grouped in a value, nothing if it is a plain one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _comment(value: Any) -> str:
    return _text(_group(value).get("job") if isinstance(value, dict) else value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
