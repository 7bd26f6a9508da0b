"""Events, as webhooks deliver them."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from vantage_sdk.core.shapes import as_object
from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.cluster import Cluster
from vantage_sdk.models.job import Job


class Event(Model):
    """Something that happened: an event whose ``type`` this SDK does not know, or the base of one that it does.

    ``timestamp`` is when it happened, ``data`` what it happened to; the known events have it typed.
    """

    type: str
    timestamp: Timestamp | None = None
    data: Any

    @property
    def webhook_id(self) -> str | None:
        """Return the id of the delivery, which stays the same when it is repeated; ``None`` for an event made by hand."""
        return vars(self).get("_webhook_id")


class JobEvent(Event):
    """Something that happened to a job; ``data`` is the job as it was right after."""

    data: Job


class JobCreated(JobEvent):
    """A job was submitted."""


class JobStarted(JobEvent):
    """A job began to run."""


class JobCompleted(JobEvent):
    """A job ended well."""


class JobFailed(JobEvent):
    """A job ended badly."""


class JobCancelled(JobEvent):
    """A job was cancelled."""


class ClusterScaled(Event):
    """The number of nodes of a cluster changed; ``data`` is the cluster as it was right after."""

    data: Cluster


EVENTS: dict[str, type[Event]] = {
    "job.created": JobCreated,
    "job.started": JobStarted,
    "job.completed": JobCompleted,
    "job.failed": JobFailed,
    "job.cancelled": JobCancelled,
    "cluster.scaled": ClusterScaled,
}


def event_of(body: bytes, webhook_id: str) -> Event:
    """Return the event in the body of a delivery; raise ``ValueError`` if there is none."""
    received = as_object(from_json(body, allow_inf_nan=False)) or {}
    kind = received.get("type")
    if not isinstance(kind, str):
        raise ValueError("no JSON object with a type")
    event = EVENTS.get(kind, Event).from_dict(received)
    vars(event)["_webhook_id"] = webhook_id
    return event
