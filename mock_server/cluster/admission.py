"""Which requests a backend takes in."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import Resources

if TYPE_CHECKING:
    from mock_server.cluster.facility import Facility
    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.layout import PartitionInfo

COMMAND_CHARACTERS = 65_536
ARRAY_TASKS = 1_001
"""As many tasks as Slurm gives an array unless it is told otherwise."""

_TAKING = frozenset({"UP", "DOWN"})


class Admission:
    """Refuses what could never run, and what its user may not have.

    As with Slurm, a time limit or a number of nodes that the partition does not allow is no reason to refuse a job: it
    waits, since the partition may change.
    """

    def __init__(self, facility: Facility) -> None:
        self._facility = facility

    def check(self, request: JobRequest, partition: PartitionInfo) -> None:
        """Raise ``RequestError`` for the first thing that is wrong."""
        _check_amounts(request, partition)
        if partition.state not in _TAKING:
            raise RequestError("partition", f"partition {partition.name!r} is {partition.state} and takes no jobs")
        if len(request.command) > COMMAND_CHARACTERS:
            raise RequestError("command", f"command is longer than {COMMAND_CHARACTERS} characters")
        if request.queue is not None and request.queue not in self._facility.queues:
            raise RequestError("queue", f"there is no queue {request.queue!r}")
        if request.max_retries < 0:
            raise RequestError("max_retries", "max_retries must not be negative")
        if not 0 < request.backoff_multiplier < inf:
            raise RequestError("backoff_multiplier", "backoff_multiplier must be above 0")
        if request.array or request.array_limit is not None:
            _check_array(request)
        if request.required_nodes:
            _check_required(request, partition)
        if request.account is not None or request.qos != partition.qos:
            self._check_user(request, partition)

    def _check_user(self, request: JobRequest, partition: PartitionInfo) -> None:
        facility = self._facility
        if request.qos not in facility.qos:
            raise RequestError("qos", f"there is no QOS {request.qos!r}")
        if request.account is not None and request.account not in facility.accounts:
            raise RequestError("account", f"there is no account {request.account!r}")
        own = [association for association in facility.associations if association.user_id == request.user_id]
        accounts = {association.account for association in own}
        if own and request.account is not None and request.account not in accounts:
            raise RequestError("account", f"account {request.account!r} is not open to this user")
        here = [association for association in own if association.partition == partition.name]
        if here and not any(request.qos in association.qos for association in here):
            raise RequestError("qos", f"QOS {request.qos!r} is not open to this user in partition {partition.name!r}")


def _check_amounts(request: JobRequest, partition: PartitionInfo) -> None:
    wanted, cluster = request.resources, partition.cluster
    shape = cluster.node_shape
    for field, amount, limit in zip(Resources._fields, wanted, shape, strict=True):
        if amount < 0:
            raise RequestError(field, f"{field} must not be negative")
        if amount > limit:
            raise RequestError(field, f"{field}: {amount} requested, but a node of {cluster.name} has {limit}")
    if request.nodes < 1:
        raise RequestError("nodes", "nodes must be at least 1")
    if request.gang is not None and request.gang < 1:
        raise RequestError("gang", "a gang must have at least 1 member")
    if request.time_limit is not None and request.time_limit <= 0:
        raise RequestError("time_limit", "time_limit must be above 0")


def _check_array(request: JobRequest) -> None:
    tasks = request.array
    if len(tasks) > ARRAY_TASKS:
        raise RequestError("array", f"an array may have {ARRAY_TASKS} tasks, not {len(tasks)}")
    if len(set(tasks)) != len(tasks) or any(task < 0 for task in tasks):
        raise RequestError("array", "the tasks of an array must be different numbers of at least 0")
    if request.array_limit is not None and (request.array_limit < 1 or not tasks):
        raise RequestError("array_limit", "array_limit must be at least 1, and belongs to an array")


def _check_required(request: JobRequest, partition: PartitionInfo) -> None:
    missing = set(request.required_nodes) - set(partition.node_names)
    if missing:
        names = ", ".join(sorted(missing))
        raise RequestError("required_nodes", f"partition {partition.name!r} has no nodes called {names}")
    if len(set(request.required_nodes)) > request.shares:
        raise RequestError("required_nodes", "more nodes are required than asked for")
