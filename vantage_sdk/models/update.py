"""What live events tell: that something changed, or that some changes were missed and how things are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.s9s_job import S9SJob
from vantage_sdk.models.s9s_metrics import ClusterStats
from vantage_sdk.models.s9s_node import S9SNode


class Update(Model):
    """A change on a channel: when, of what (``resource_id``), and in ``data`` what has changed, or all of it.

    ``sequence`` counts the updates of a channel; ``previous`` is the sequence of the update before that matched the
    subscription.  A server that does not number its updates sends neither.
    """

    channel: str
    action: str | None = None
    resource_id: str | None = None
    timestamp: Timestamp | None = None
    data: Any = None
    sequence: int | None = None
    previous: int | None = None


class JobUpdate(Update):
    """A job has changed; in ``data`` the fields that were not sent are ``None``."""

    data: S9SJob | None = None


class NodeUpdate(Update):
    """A node has changed; in ``data`` the fields that were not sent are ``None``."""

    data: S9SNode | None = None


class MetricsUpdate(Update):
    """The cluster was measured."""

    data: ClusterStats | None = None


_KINDS: dict[str, type[Update]] = {"jobs": JobUpdate, "nodes": NodeUpdate, "metrics": MetricsUpdate}


def update_of(received: Mapping[str, Any]) -> Update:
    """Return an update as the kind that its channel has."""
    return _KINDS.get(str(received.get("channel")), Update).from_dict(received)


@dataclass(frozen=True, slots=True)
class Resynced:
    """Updates of ``channel`` were missed, or may have been: here is how things are now.

    ``state`` was fetched after the gap: for ``jobs`` the jobs that match the filter, for ``nodes`` the nodes, for ``queue`` the
    partitions, for ``metrics`` the measurements of the cluster, for ``alerts`` nothing, as no list of them exists.  Updates that
    follow may be in it already.  ``since`` is the sequence of the last update before the gap, ``None`` where the server does not
    number them; ``reason`` says what happened.
    """

    channel: str
    since: int | None
    state: Sequence[Any] = field(repr=False)
    reason: str = ""
