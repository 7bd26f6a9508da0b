"""Nodes of the S9S family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from mock_server.routes import Call, Routes
from mock_server.s9s.fields import Duration, Reason, any_case, upper
from mock_server.s9s.node_views import NodeAction, NodeList, NodeView, all_nodes, memberships, view_node
from mock_server.s9s.people import People
from mock_server.s9s.states import NodeWord, node_word
from mock_server.validation import Maybe, QueryBool, StrictBody, StrictQuery

if TYPE_CHECKING:
    from mock_server.cluster.node import Cluster, Node

AVAILABLE = ("IDLE", "MIXED")
Order = Literal["IDLE", "MIXED", "ALLOCATED", "DOWN", "DRAIN", "RESUME"]

routes = Routes("nodes", prefix="/v1")

State = Annotated[
    NodeWord,
    BeforeValidator(upper),
    WithJsonSchema({"type": "string", "pattern": any_case(get_args(NodeWord))}),
]


class NodeListing(StrictQuery):
    """Which nodes to list."""

    state: State | None = Field(default=None, description="Only nodes in this state, whatever the case.")
    partition: str | None = Field(default=None, description="Only nodes of this partition.")
    features: list[str] = Field(default=[], description="Only nodes with all of these features.")
    available: QueryBool = Field(default=False, description="Only nodes that can take work: IDLE or MIXED.")


class Drain(StrictBody):
    """Why to drain a node, and after how long what still runs there has to go."""

    reason: Maybe[Reason] = None
    timeout: Maybe[Duration] = None


class NodeStateChange(StrictBody):
    """The state to bring a node to; what runs on it decides between IDLE, MIXED and ALLOCATED."""

    state: Order
    reason: Maybe[Reason] = None


@routes.get("/nodes")
async def list_(call: Call[NodeListing, None]) -> NodeList:
    """List nodes."""
    wanted, cluster, now = call.query, call.state.cluster, call.state.time.now()
    partitions = memberships(cluster)

    def matches(node: Node) -> bool:
        return (
            (wanted.state is None or node_word(node) == wanted.state)
            and (wanted.partition is None or wanted.partition in partitions[node.name])
            and set(wanted.features) <= set(node.features)
            and (not wanted.available or node_word(node) in AVAILABLE)
        )

    found = [view_node(cluster, node, partitions[node.name], now) for node in all_nodes(cluster) if matches(node)]
    return {"nodes": found, "total": len(found)}


@routes.get("/nodes/{node_name}")
async def get(call: Call[None, None]) -> NodeView:
    """Get node details."""
    (_, node), cluster = _node(call), call.state.cluster
    return view_node(cluster, node, memberships(cluster)[node.name], call.state.time.now())


@routes.put("/nodes/{node_name}/drain", conflicts=True)
async def drain(call: Call[None, Drain]) -> NodeAction:
    """Drain node."""
    owner, node = _node(call)
    reason = call.body.reason or _default_reason(call, "drained")
    await call.state.cluster.drain_node(owner.id, node.name, reason, call.body.timeout)
    # The state that was set, whatever still runs there.
    return {"node_name": node.name, "state": "DRAIN", "reason": reason, "message": "Node drained successfully"}


@routes.put("/nodes/{node_name}/resume", conflicts=True)
async def resume(call: Call[None, None]) -> NodeAction:
    """Resume node."""
    owner, node = _node(call)
    await call.state.cluster.restore_node(owner.id, node.name)
    return _acted(node, "Node resumed successfully")


@routes.put("/nodes/{node_name}/state", conflicts=True)
async def state(call: Call[None, NodeStateChange]) -> NodeAction:
    """Update node state."""
    (owner, node), cluster, body = _node(call), call.state.cluster, call.body
    if body.state == "DOWN":
        await cluster.fail_node(owner.id, node.name, body.reason or _default_reason(call, "set down"))
    elif body.state == "DRAIN":
        await cluster.drain_node(owner.id, node.name, body.reason or _default_reason(call, "drained"))
    else:
        await cluster.restore_node(owner.id, node.name)
    return _acted(node, "Node state updated successfully")


def _node(call: Call[Any, Any]) -> tuple[Cluster, Node]:
    return call.state.cluster.node(call.path["node_name"])


def _default_reason(call: Call[Any, Any], what: str) -> str:
    return f"{what} by {People(call.state.users).username(call.credential.user_id)}"


def _acted(node: Node, message: str) -> NodeAction:
    return {"node_name": node.name, "state": node_word(node), "reason": node.reason, "message": message}
