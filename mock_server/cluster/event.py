"""What the cluster tells about itself: one numbered, append-only history."""

from __future__ import annotations

from typing import Any, NamedTuple


class Event(NamedTuple):
    """Something that happened; ``sequence`` counts from 1 without gaps.

    ``kind`` is ``job.created``, ``job.started``, ``job.log``, ``job.completed``, ``job.failed``, ``job.cancelled``,
    ``job.updated``, ``job.held``, ``job.released``, ``job.priority``, ``job.requeued``, ``job.retrying``,
    ``job.deleted``, ``node.up``, ``node.down``, ``node.draining``, ``node.drained``, ``node.removed`` or
    ``cluster.scaled``; ``subject`` is the id of the job or cluster, or the name of the node.

    ``data`` has the ``state`` that a job got, and the ``previous`` one if it changed; for ``job.log`` the numbers of
    the ``first`` and ``last`` new line; for ``job.held`` its ``reason``; for ``job.priority`` the ``priority`` and the
    ``previous_priority``; for ``job.retrying`` the number of ``retries`` and when the next one begins, ``at``; for nodes
    ``cluster_id``, ``state`` and ``reason``; for ``cluster.scaled`` the number of ``nodes`` and the ``previous`` one.
    """

    sequence: int
    at: float
    kind: str
    subject: str
    data: dict[str, Any]
