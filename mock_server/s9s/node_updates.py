"""What the channel ``nodes`` tells: each change of a node's state, also where it is a job that came or went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import NotFoundError
from mock_server.s9s.amounts import memory_text
from mock_server.s9s.node_views import all_nodes
from mock_server.s9s.states import node_word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mock_server.cluster.event import Event
    from mock_server.cluster.node import Node
    from mock_server.s9s.channels import Action, Channel
    from mock_server.state import ServerState

MOVES = frozenset({"job.started", "job.completed", "job.failed", "job.cancelled", "job.retrying"})
"""What happens to a job that takes its nodes or gives them back."""


class NodeUpdates:
    """Publishes what happens to nodes; it knows the state in which each of them was last seen."""

    def __init__(self, state: ServerState, channel: Channel) -> None:
        self._state = state
        self._channel = channel
        self._vacated_at: float | None = None
        self._seen = {node.name: node_word(node) for node in all_nodes(state.cluster)}

    def notice(self, event: Event) -> None:
        """Publish the changes of state that come with an event.

        A job that is taken back has forgotten its nodes, and what makes it so changes one of them just after.
        """
        if event.kind == "job.log":
            return
        if self._vacated_at is not None:
            at, self._vacated_at = self._vacated_at, None
            self._look(all_nodes(self._state.cluster), at)
        if event.kind == "node.removed":
            self._removed(event)
        elif event.kind.startswith("node."):
            self._look(self._nodes((event.subject,)), event.at)
        elif event.kind == "job.requeued":
            self._vacated_at = event.at
        elif event.kind in MOVES and event.subject in self._state.cluster.jobs:
            self._look(self._nodes(self._state.cluster.job(event.subject).node_names), event.at)

    def _nodes(self, names: Iterable[str]) -> Iterable[Node]:
        for name in names:
            try:
                yield self._state.cluster.node(name)[1]
            except NotFoundError:
                continue

    def _look(self, nodes: Iterable[Node], at: float) -> None:
        for node in nodes:
            before, now = self._seen.get(node.name), node_word(node)
            if before == now:
                continue
            self._seen[node.name] = now
            facts = self._facts(node, now)
            earlier = () if before is None else ({**facts, "state": before},)
            action: Action = "create" if before is None else "update"
            self._channel.publish(action, node.name, at, _view(node, now), (facts, *earlier))

    def _removed(self, event: Event) -> None:
        before = self._seen.pop(event.subject, None)
        data = {"node_name": event.subject, "state": before}
        self._channel.publish("delete", event.subject, event.at, data, (data,))

    def _facts(self, node: Node, word: str) -> dict[str, Any]:
        partitions = [
            name
            for name, partition in self._state.cluster.partitions.items()
            if partition.cluster_id == node.cluster_id and (partition.members is None or node.name in partition.members)
        ]
        return {"node_name": node.name, "state": word, "partitions": partitions, "features": list(node.features)}


def _view(node: Node, word: str) -> dict[str, Any]:
    total, free = node.capacity, node.free
    return {
        "node_name": node.name,
        "state": word,
        "reason": node.reason,
        "cpu_allocated": total.cpus - free.cpus,
        "memory_allocated": memory_text(total.memory - free.memory),
        "gpus_allocated": total.gpus - free.gpus,
        "jobs": sorted(node.running, key=lambda job_id: (len(job_id), job_id)),
    }
