"""The nodes of one cluster: they boot, fail, drain and leave."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mock_server.cluster.node import Node, NodeState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.accounting import Ledger
    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.history import History
    from mock_server.cluster.node import Cluster

BOOT_SECONDS = 30.0

_UP = frozenset({NodeState.READY, NodeState.DRAINING})
_DARK = frozenset({NodeState.BOOTING, NodeState.DOWN})
# The least loss first: nodes that do not work, then those that do not work yet.
_REMOVAL_ORDER = (NodeState.DOWN, NodeState.DRAINED, NodeState.BOOTING, NodeState.READY, NodeState.DRAINING)


class Fleet:
    """Adds and removes nodes, and moves them from state to state."""

    def __init__(
        self,
        cluster: Cluster,
        agenda: Agenda,
        history: History,
        ledger: Ledger,
        *,
        node_name: Callable[[int], str],
        on_change: Callable[[], None],
        on_add: Callable[[Node], None],
        load: Callable[[Node], float],
    ) -> None:
        self._cluster = cluster
        self._agenda = agenda
        self._history = history
        self._ledger = ledger
        self._node_name = node_name
        self._on_change = on_change
        self._on_add = on_add
        self._load = load
        self._numbered = 0

    @property
    def size(self) -> int:
        """How many nodes there are or will be, those on their way out excepted."""
        return sum(not node.retiring for node in self._cluster.nodes.values())

    @property
    def usable(self) -> int:
        """How many of them can take jobs now or after booting."""
        states = (NodeState.READY, NodeState.BOOTING)
        return sum(not node.retiring and node.state in states for node in self._cluster.nodes.values())

    def found(self, count: int) -> None:
        """Put the first nodes in place, ready for use since the cluster was made."""
        for _ in range(count):
            node = self._add()
            node.state = NodeState.READY
            node.boot_time = self._cluster.created_at
            self._ledger.provide(self._cluster.created_at, node.capacity, 1)

    def grow(self, count: int) -> None:
        """Keep nodes that were to leave, and boot new ones for the rest."""
        staying = [node for node in self._cluster.nodes.values() if node.retiring][:count]
        for node in staying:
            node.retiring = False
            # A reason says that somebody drained the node before it was to leave.
            if node.state is NodeState.DRAINING and node.reason is None:
                self._set_state(node, NodeState.READY)
        for _ in range(count - len(staying)):
            node = self._add()
            self._on_add(node)
            self._agenda.schedule(self._agenda.now + BOOT_SECONDS, partial(self._booted, node))
        self._on_change()

    def shrink(self, count: int) -> None:
        """Let up to ``count`` nodes go, idle ones first and the newest first; busy ones finish their jobs before."""
        candidates = [node for node in reversed(self._cluster.nodes.values()) if not node.retiring]
        candidates.sort(key=lambda node: (bool(node.running), _REMOVAL_ORDER.index(node.state)))
        for node in candidates[:count]:
            node.retiring = True
            if node.running:
                self._set_state(node, NodeState.DRAINING)
            else:
                self._remove(node)
        self._on_change()

    def fail(self, node: Node, reason: str) -> None:
        """Take a node down whose jobs are gone already."""
        node.reason = reason
        self._set_state(node, NodeState.DOWN)
        self._tell("node.down", node)
        self.vacated(node)
        self._on_change()

    def drain(self, node: Node, reason: str) -> None:
        """Give a node no new jobs."""
        if node.state is NodeState.DOWN:
            return
        node.reason, node.empty_by = reason, None
        self._set_state(node, NodeState.DRAINING)
        if node.running:
            self._tell("node.draining", node)
        self.vacated(node)
        self._on_change()

    def restore(self, node: Node) -> None:
        """Let a drained or failed node take jobs again."""
        if node.state in {NodeState.READY, NodeState.BOOTING} or node.retiring:
            return
        self._up(node)

    def vacated(self, node: Node) -> None:
        """Finish what had to wait for the node's last job to end; the node may be gone already."""
        if node.running or self._cluster.nodes.get(node.name) is not node:
            return
        if node.retiring:
            self._remove(node)
        elif node.state is NodeState.DRAINING:
            self._set_state(node, NodeState.DRAINED)
            self._tell("node.drained", node)

    def _add(self) -> Node:
        nodes = self._cluster.nodes
        self._numbered += 1
        cluster = self._cluster
        shape = cluster.node_shape
        node = Node(
            self._node_name(self._numbered),
            shape,
            shape,
            NodeState.BOOTING,
            cluster_id=cluster.id,
            features=cluster.features,
            gpu_type=cluster.gpu_type,
            load=self._load,
        )
        nodes[node.name] = node
        return node

    def _booted(self, node: Node) -> None:
        if node.state is NodeState.BOOTING and self._cluster.nodes.get(node.name) is node:
            self._up(node)

    def _up(self, node: Node) -> None:
        if node.state in _DARK:
            node.boot_time = self._agenda.now
        node.reason = node.empty_by = None
        self._set_state(node, NodeState.READY)
        self._tell("node.up", node)
        self._on_change()

    def _remove(self, node: Node) -> None:
        if node.state in _UP:
            self._ledger.provide(self._agenda.now, node.capacity, -1)
        del self._cluster.nodes[node.name]
        self._tell("node.removed", node)

    def _set_state(self, node: Node, state: NodeState) -> None:
        counted = (state in _UP) - (node.state in _UP)
        if counted:
            self._ledger.provide(self._agenda.now, node.capacity, counted)
        node.state = state

    def _tell(self, kind: str, node: Node) -> None:
        self._cluster.updated_at = self._agenda.now
        data = {"cluster_id": self._cluster.id, "state": node.state.value, "reason": node.reason}
        self._history.record(self._agenda.now, kind, node.name, data)
