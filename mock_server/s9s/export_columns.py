"""What an export can have in its columns, and the records of each kind.

A record is as it is at the moment when it is written, and its values are those of the API: nothing is changed for the sake of
programs that take a text beginning with ``=`` for a formula, because data has to come back as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mock_server.s9s.export_requests import ExportFilter, ExportKind
from mock_server.s9s.job_views import JobDetail, JobSummary, summarize, view_job
from mock_server.s9s.node_views import NodeView, all_nodes, memberships, view_node
from mock_server.s9s.partition_views import PartitionView, view_partition
from mock_server.s9s.people import People
from mock_server.s9s.states import job_word, node_word
from mock_server.s9s.users import UserView, user_views

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Node
    from mock_server.state import ServerState

RUNTIME = "runtime"
"""A column that is no field: what jobs have as ``elapsed_time``."""

KINDS: dict[ExportKind, tuple[str, ...]] = {
    "jobs": (*JobDetail.__annotations__, RUNTIME),
    "nodes": tuple(NodeView.__annotations__),
    "users": tuple(UserView.__annotations__),
    "partitions": tuple(PartitionView.__annotations__),
}
"""The columns that each kind may have."""

DEFAULT: dict[ExportKind, tuple[str, ...]] = {**KINDS, "jobs": tuple(JobSummary.__annotations__)}


@dataclass(frozen=True, slots=True)
class Records:
    """What is to be exported: the subjects, and what makes a record of one, ``None`` if it is to be left out."""

    subjects: Sequence[Any]
    record: Callable[[Any], dict[str, Any] | None]


def records(state: ServerState, kind: ExportKind, wanted: ExportFilter, fields: Sequence[str]) -> Records:
    """Return the records of a kind that pass a filter, with at least these fields."""
    if kind == "jobs":
        return _jobs(state, wanted, fields)
    if kind == "nodes":
        return _nodes(state, wanted)
    if kind == "users":
        views = user_views(state)
        names = [name for name in sorted(views) if wanted.user in {None, name}]
        return Records(names, lambda name: {**views[name]})
    partitions = [
        partition for partition in state.cluster.partitions.values() if wanted.state in {None, partition.state}
    ]
    return Records(partitions, lambda partition: {**view_partition(state.cluster, partition)})


def _jobs(state: ServerState, wanted: ExportFilter, fields: Sequence[str]) -> Records:
    people = People(state.users)
    owners = None if wanted.user is None else people.ids(wanted.user)
    is_detailed = not set(fields) <= {*JobSummary.__annotations__, RUNTIME}

    def record(job: Job) -> dict[str, Any] | None:
        if owners is not None and job.request.user_id not in owners:
            return None
        if wanted.partition is not None and job.partition != wanted.partition:
            return None
        if wanted.start_time is not None and job.created_at < wanted.start_time:
            return None
        if wanted.end_time is not None and job.created_at > wanted.end_time:
            return None
        if wanted.state is not None and job_word(job) != wanted.state:
            return None
        now = state.time.now()
        view = view_job(job, people, now) if is_detailed else summarize(job, people, now)
        return {**view, RUNTIME: view["elapsed_time"]}

    return Records(list(state.cluster.jobs.values()), record)


def _nodes(state: ServerState, wanted: ExportFilter) -> Records:
    partitions = memberships(state.cluster)

    def record(node: Node) -> dict[str, Any] | None:
        own = partitions.get(node.name, [])
        if wanted.state is not None and node_word(node) != wanted.state:
            return None
        if wanted.partition is not None and wanted.partition not in own:
            return None
        return {**view_node(state.cluster, node, own, state.time.now())}

    return Records(list(all_nodes(state.cluster)), record)
