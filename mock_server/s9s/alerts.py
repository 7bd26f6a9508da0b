"""What the channel ``alerts`` tells: what somebody ought to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError
from mock_server.s9s.people import People
from mock_server.s9s.queue_stats import loads
from mock_server.s9s.states import job_word

if TYPE_CHECKING:
    from mock_server.cluster.event import Event
    from mock_server.cluster.job import Job
    from mock_server.s9s.channels import Channel
    from mock_server.state import ServerState

ENDS = {"FAILED": "failed", "TIMEOUT": "ran out of time", "NODE_FAIL": "lost its node"}
NODES = {"node.down": ("node_down", "critical", "is down"), "node.drained": ("node_drained", "warning", "is drained")}


class Alerts:
    """Raises an alert for a job that failed, a node that is gone, and a queue at its limit while jobs wait.

    A queue is told about again only once it was below its limit.
    """

    def __init__(self, state: ServerState, channel: Channel) -> None:
        self._state = state
        self._channel = channel
        self._queues = {load.name: load for load in loads(state.cluster) if load.limit is not None}
        self._full = {name for name, load in self._queues.items() if load.is_full}

    def notice(self, event: Event) -> None:
        """Raise what an event calls for."""
        if event.kind.startswith("job.") and event.kind != "job.log":
            self._look_at_job(event)
        elif event.kind in NODES:
            kind, severity, what = NODES[event.kind]
            reason = event.data.get("reason")
            message = f"Node {event.subject} {what}" + (f": {reason}" if reason else "")
            self._raise(event.subject, event.at, kind, severity, message, node_name=event.subject, reason=reason)

    def _look_at_job(self, event: Event) -> None:
        try:
            job = self._state.cluster.job(event.subject)
        except NotFoundError:
            return
        if event.kind == "job.failed":
            self._job_failed(job, event)
        load = self._queues.get(job.queue or "")
        if load is None or (event.kind != "job.created" and "previous" not in event.data):
            return
        load.move(event.data.get("previous"), event.data["state"])
        if not load.is_full:
            self._full.discard(load.name)
        elif load.name not in self._full:
            self._full.add(load.name)
            message = f"Queue {load.name} is at its limit of {load.limit} jobs and {load.pending} wait"
            details = {"queue": load.name, "jobs_pending": load.pending}
            self._raise(load.name, event.at, "queue_limit", "warning", message, **details)

    def _job_failed(self, job: Job, event: Event) -> None:
        word = job_word(job)
        details = {
            "job_id": job.id,
            "user": People(self._state.users).username(job.request.user_id),
            "partition": job.partition,
            "exit_code": job.exit_code,
            "reason": job.reason,
        }
        kind = "job_timeout" if word == "TIMEOUT" else "job_failed"
        message = f"Job {job.id} {ENDS.get(word, 'failed')}"
        self._raise(job.id, event.at, kind, "warning", message, **details)

    def _raise(self, subject: str, at: float, kind: str, severity: str, message: str, **details: Any) -> None:
        data = {"type": kind, "severity": severity, "message": message, **details}
        self._channel.publish("create", subject, at, data, (data,))
