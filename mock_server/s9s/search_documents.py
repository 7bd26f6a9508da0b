"""What is found of jobs, nodes and users, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from typing_extensions import TypedDict

from mock_server.cluster.backend import NotFoundError
from mock_server.s9s.amounts import memory_text
from mock_server.s9s.jobs_seen import gpus_of
from mock_server.s9s.people import People
from mock_server.s9s.search_index import words_of
from mock_server.s9s.states import job_word, node_word

if TYPE_CHECKING:
    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Cluster, Node
    from mock_server.s9s.search_index import Hit, Words
    from mock_server.state import ServerState
    from mock_server.world.users import User

Kind = Literal["job", "node", "user"]

COMMAND = 500
"""How many characters of a command are looked at."""


class SearchHit(TypedDict):
    """Something that was found."""

    type: str
    id: str
    title: str
    description: str
    url: str
    score: float


def job_words(job: Job, people: People) -> Words:
    """Return what a job is found by: its id and name, whose it is and where, then its state and what it does."""
    request = job.request
    return (
        words_of(job.id, job.name),
        words_of(people.username(request.user_id), job.account or "", job.partition),
        words_of(
            *(job_word(job), job.qos, request.command[:COMMAND], request.image or "", *job.node_names),
            *(("gpu",) if request.resources.gpus else ()),
        ),
    )


def node_words(cluster: Cluster, node: Node, partitions: list[str]) -> Words:
    """Return what a node is found by: its name, its partitions and features, then its state and cluster."""
    return (
        words_of(node.name),
        words_of(*partitions, *node.features, node.gpu_type or ""),
        words_of(node_word(node), cluster.id, cluster.name, cluster.provider, cluster.region, node.reason or ""),
    )


def user_words(user: User, accounts: list[str]) -> Words:
    """Return what a user is found by: the login name, the name and accounts, then address and role."""
    return words_of(user.username), words_of(user.name, *accounts), words_of(user.email, user.role)


def show(state: ServerState, hit: Hit, mount: str) -> SearchHit | None:
    """Return a hit as callers see it, ``None`` if it has just gone; its link begins with ``mount``."""
    kind, key = hit.key
    described = _described(state, kind, key)
    if described is None:
        return None
    title, description = described
    url = f"{mount}/v1/{kind}s/{quote(key, safe='')}"
    return {"type": kind, "id": key, "title": title, "description": description, "url": url, "score": hit.score}


def _described(state: ServerState, kind: str, key: str) -> tuple[str, str] | None:
    people = People(state.users)
    try:
        if kind == "job":
            return _job(state.cluster.job(key), people)
        if kind == "node":
            return _node(*state.cluster.node(key))
    except NotFoundError:
        return None
    user = next((user for user in state.users.values() if user.username == key), None)
    return None if user is None else (user.name, f"{user.role.capitalize()}, {user.email}")


def _job(job: Job, people: People) -> tuple[str, str]:
    count = gpus_of(job)
    gpus = f", {count} GPU{'s' if count > 1 else ''}" if count else ""
    state = job_word(job).replace("_", " ").capitalize()
    return f"{people.username(job.request.user_id)}'s {job.name}", f"{state} on {job.partition} partition{gpus}"


def _node(cluster: Cluster, node: Node) -> tuple[str, str]:
    total = node.capacity
    gpus = f"{total.gpus}x {node.gpu_type or 'GPU'}, " if total.gpus else ""
    return f"Node {node.name}", f"{gpus}{total.cpus} CPUs, {memory_text(total.memory)}, of {cluster.name}"
