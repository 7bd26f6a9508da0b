"""The words that Slurm has for the states of jobs and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mock_server.cluster.job import JobState
from mock_server.cluster.node import NodeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Node

JobWord = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"]
NodeWord = Literal["IDLE", "MIXED", "ALLOCATED", "DRAIN", "DRAINING", "DOWN", "PLANNED", "POWERING_UP"]

JOB_WORDS: dict[JobState, JobWord] = {
    JobState.PENDING: "PENDING",
    JobState.QUEUED: "PENDING",
    JobState.RUNNING: "RUNNING",
    JobState.COMPLETED: "COMPLETED",
    JobState.FAILED: "FAILED",
    JobState.CANCELLED: "CANCELLED",
}
FAILURES: dict[str | None, JobWord] = {"TimeLimit": "TIMEOUT", "NodeFail": "NODE_FAIL"}
STATES: dict[NodeState, NodeWord] = {
    NodeState.DOWN: "DOWN",
    NodeState.BOOTING: "POWERING_UP",
    NodeState.DRAINED: "DRAIN",
}
AGGREGATED: tuple[JobWord, ...] = ("RUNNING", "PENDING", "NODE_FAIL", "TIMEOUT", "FAILED", "CANCELLED", "COMPLETED")
"""Of the tasks of an array, the first of these words that one of them has stands for all."""


def job_word(job: Job) -> JobWord:
    """Return the state of a job; a failure by its time limit or its node has a word of its own."""
    return FAILURES.get(job.reason, "FAILED") if job.state is JobState.FAILED else JOB_WORDS[job.state]


def in_state(word: JobWord) -> Callable[[Job], bool]:
    """Return a test for a state that is quick, because there may be very many jobs."""
    states = [state for state, own in JOB_WORDS.items() if own == word] or [JobState.FAILED]
    first, last = states[0], states[-1]
    if first is JobState.FAILED:
        return lambda job: job.state is first and job_word(job) == word
    return lambda job: job.state is first or job.state is last


def array_word(tasks: Iterable[Job]) -> JobWord:
    """Return the state of an array."""
    words = {job_word(task) for task in tasks}
    return next(word for word in AGGREGATED if word in words)


def node_word(node: Node) -> NodeWord:
    """Return the state of a node; one that is to be drained is ``DRAINING`` as long as jobs run on it."""
    if node.state in STATES:
        return STATES[node.state]
    if node.state is NodeState.DRAINING:
        return "DRAINING" if node.running else "DRAIN"
    if not node.running:
        return "PLANNED" if node.planned else "IDLE"
    return "ALLOCATED" if node.free.cpus == 0 else "MIXED"
