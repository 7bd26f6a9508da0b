"""What live events tell: that something changed, or that some changes were missed and how things are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vantage_sdk.models.base import Model, Timestamp


class Update(Model):
    """A change on a channel: what changed in ``data``, of what in ``resource_id``, and when.

    ``sequence`` counts the updates of a channel; ``previous`` is the sequence of the update before that matched the
    subscription.  A server that does not number its updates sends neither.
    """

    channel: str
    action: str | None = None
    resource_id: str | None = None
    timestamp: Timestamp | None = None
    data: dict[str, Any] | None = None
    sequence: int | None = None
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class Resynced:
    """Updates of ``channel`` were missed, or may have been: here is how things are now.

    ``state`` was fetched after the gap: the jobs that match the filter, the nodes, the partitions of ``queue``, the metrics;
    nothing for a channel that has no state.  Updates that follow may be in it already.  ``since`` is the sequence of the last
    update before the gap, ``None`` where the server does not number them; ``reason`` is one sentence.
    """

    channel: str
    since: int | None
    state: Sequence[Any] = field(repr=False)
    reason: str = ""
