"""Users of the S9S family."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from mock_server.cluster.layout import DEFAULT_ACCOUNT
from mock_server.routes import Call, Routes
from mock_server.s9s.durations import hours_text
from mock_server.s9s.jobs_seen import cpus_of
from mock_server.s9s.people import People
from mock_server.s9s.states import job_word
from mock_server.world.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mock_server.cluster.job import Job
    from mock_server.cluster.layout import Association
    from mock_server.state import ServerState

routes = Routes("users", prefix="/v1")


class AssociationView(TypedDict):
    """An account that a user may use in a partition, and with which quality of service."""

    account: str
    partition: str
    qos: list[str]


class UserView(TypedDict):
    """A user."""

    username: str
    default_account: str
    admin_level: str
    jobs_running: int
    jobs_pending: int
    cpu_time_used: str
    associations: list[AssociationView]


class UserList(TypedDict):
    """All users."""

    users: list[UserView]


@routes.get("/users")
async def list_(call: Call[None, None]) -> UserList:
    """List users."""
    views = user_views(call.state)
    return {"users": [views[name] for name in sorted(views)]}


@routes.get("/users/{username}")
async def get(call: Call[None, None]) -> UserView:
    """Get user details."""
    view = user_views(call.state).get(call.path["username"])
    if view is None:
        raise MissingError("user", call.path["username"])
    return view


def user_views(state: ServerState) -> Mapping[str, UserView]:
    """Return everybody who has an account or a job, by login name."""
    people, now = People(state.users), state.time.now()
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in state.cluster.jobs.values():
        jobs[people.username(job.request.user_id)].append(job)
    associations: dict[str, list[Association]] = defaultdict(list)
    for association in state.cluster.associations:
        associations[people.username(association.user_id)].append(association)
    levels = {user.username: user.admin_level for user in state.users.values()}
    levels |= {people.username(user_id): level for user_id, level in state.cluster.admin_levels.items()}
    names = levels.keys() | jobs.keys() | associations.keys()
    return {name: _view(name, levels.get(name, "none"), jobs[name], associations[name], now) for name in names}


def _view(
    username: str, admin_level: str, jobs: Iterable[Job], associations: Sequence[Association], now: float
) -> UserView:
    words = [job_word(job) for job in jobs]
    return {
        "username": username,
        "default_account": associations[0].account if associations else DEFAULT_ACCOUNT,
        "admin_level": admin_level,
        "jobs_running": words.count("RUNNING"),
        "jobs_pending": words.count("PENDING"),
        "cpu_time_used": hours_text(sum(_cpu_time(job, now) for job in jobs)),
        "associations": [
            {"account": each.account, "partition": each.partition, "qos": list(each.qos)} for each in associations
        ],
    }


def _cpu_time(job: Job, now: float) -> float:
    """Return the CPU seconds that a job has had."""
    return cpus_of(job) * sum(end - start for start, end in job.runs(now))
