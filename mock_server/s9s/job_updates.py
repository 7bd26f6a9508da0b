"""What the channel ``jobs`` tells: each change of a job, with the fields that have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError
from mock_server.cluster.job import JobState
from mock_server.s9s.channels import FIELDS
from mock_server.s9s.job_views import summarize
from mock_server.s9s.people import People
from mock_server.s9s.states import JOB_WORDS

if TYPE_CHECKING:
    from mock_server.cluster.event import Event
    from mock_server.s9s.channels import Action, Channel, Facts
    from mock_server.state import ServerState

_END = ("state", "end_time", "elapsed_time", "exit_code", "reason")
_AGAIN = ("state", "start_time", "end_time", "nodes", "exit_code", "reason")
CHANGED: dict[str, tuple[str, ...]] = {
    "job.started": ("state", "start_time", "nodes", "node_count", "reason"),
    "job.completed": _END,
    "job.failed": _END,
    "job.cancelled": _END,
    "job.requeued": _AGAIN,
    "job.retrying": _AGAIN,
    "job.held": ("state", "priority", "reason"),
    "job.released": ("state", "priority", "reason"),
    "job.priority": ("state", "priority"),
    "job.updated": ("state", "job_name", "priority", "reason"),
    "job.deleted": ("state",),
}
"""The fields that an event may have changed; one that is not here creates the job and has them all."""

ACTIONS: dict[str, Action] = {"job.created": "create", "job.deleted": "delete"}


class JobUpdates:
    """Publishes what happens to jobs."""

    def __init__(self, state: ServerState, channel: Channel) -> None:
        self._state = state
        self._channel = channel

    def notice(self, event: Event) -> None:
        """Publish an event of a job; its output is no change of it."""
        if not event.kind.startswith("job.") or event.kind == "job.log":
            return
        try:
            job = self._state.cluster.job(event.subject)
        except NotFoundError:
            return
        summary: dict[str, Any] = {**summarize(job, People(self._state.users), event.at)}
        fields = CHANGED.get(event.kind, tuple(summary))
        data = {"job_id": job.id, **{name: summary[name] for name in fields}}
        action = ACTIONS.get(event.kind, "update")
        self._channel.publish(action, job.id, event.at, data, _facts(summary, event))


def _facts(summary: dict[str, Any], event: Event) -> tuple[Facts, ...]:
    """Return what a filter sees: the job as it is, and before it if its state was another one."""
    facts = {name: summary[name] for name in FIELDS["jobs"]}
    previous = event.data.get("previous")
    word = None if previous is None else JOB_WORDS[JobState(previous)]
    return (facts,) if word in {None, facts["state"]} else (facts, {**facts, "state": word})
