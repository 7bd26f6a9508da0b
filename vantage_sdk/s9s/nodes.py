"""Nodes of S9S."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_text
from vantage_sdk.core.request import CallOptions, Request, WaitOptions
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.shapes import flag
from vantage_sdk.models.base import one
from vantage_sdk.models.s9s_node import S9SNode
from vantage_sdk.pagination import Page, whole_list_of
from vantage_sdk.s9s.submission import Time, span

NODES = whole_list_of(S9SNode, "nodes")


class Nodes(Resource[Mode]):
    """Nodes of S9S."""

    @method
    async def list(
        self: Nodes[Async],
        *,
        state: str | None = None,
        partition: str | None = None,
        features: str | Sequence[str] | None = None,
        available: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Page[S9SNode]:
        """Fetch all nodes.

        ``state``: the server's word; ``partition``: its name; ``features``: one or several, all of which a node must have;
        ``available``: only those that can take work.  Returns a ``Page``, itself a sequence of ``S9SNode``.
        """
        query = {
            "state": state,
            "partition": partition,
            "features": features or None,
            "available": None if available is None else flag("available", available),
        }
        return await self._send(Request("GET", "/nodes", NODES, query=query), options)

    @method
    async def get(self: Nodes[Async], node_name: str, **options: Unpack[CallOptions]) -> S9SNode:
        """Fetch one node by its ``node_name``; raise ``ResourceNotFoundError`` if there is no such node."""
        values = {"node_name": node_name}
        return await self._send(Request("GET", "/nodes/{node_name}", one(S9SNode), values), options)

    @method
    async def drain(
        self: Nodes[Async],
        node_name: str,
        *,
        reason: str | None = None,
        timeout: Time | None = None,
        **options: Unpack[WaitOptions],
    ) -> S9SNode:
        """Let no more jobs start on a node; those that run go on.

        ``reason``: shown with the node; ``timeout``: how long its jobs may go on, as text (``2h``), seconds or a ``timedelta``,
        default as long as they like.  It is sent, and no limit of the call.  Returns the node's name, state and reason.
        """
        wanted = {"reason": reason, "timeout": None if timeout is None else span(timeout, "timeout")}
        body = {name: value for name, value in wanted.items() if value is not None}
        return await self._put(node_name, "drain", body, options)

    @method
    async def resume(self: Nodes[Async], node_name: str, **options: Unpack[CallOptions]) -> S9SNode:
        """Let jobs start on a node again, after ``drain`` or when it was down; returns what ``drain`` does."""
        return await self._put(node_name, "resume", None, options)

    @method
    async def set_state(
        self: Nodes[Async],
        node_name: str,
        state: str,
        *,
        reason: str | None = None,
        **options: Unpack[CallOptions],
    ) -> S9SNode:
        """Change the state of a node.

        ``state``: ``DOWN``, ``DRAIN``, ``IDLE``, ``RESUME`` or another that the server takes; ``reason``: shown with the node.
        Returns what ``drain`` does.  Raises ``ValidationError`` for a state that the server does not take.
        """
        body = {"state": as_text(state, "state")} | ({} if reason is None else {"reason": as_text(reason, "reason")})
        return await self._put(node_name, "state", body, options)

    async def _put(self, node_name: str, place: str, body: Any, options: Any) -> S9SNode:
        values = {"node_name": node_name}
        request = Request("PUT", f"/nodes/{{node_name}}/{place}", one(S9SNode), values, json=body)
        return await self._send(request, options)
