"""Node types of workflows."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.envelope import enveloped
from vantage_sdk.models.node_type import NodeTypes


class NodeTypeList(Resource[Mode]):
    """What the nodes of a workflow can be."""

    @method
    async def list(
        self: NodeTypeList[Async],
        *,
        category: str | None = None,
        role: str | None = None,
        **options: Unpack[CallOptions],
    ) -> NodeTypes:
        """Fetch all node types, or some of them.

        ``category``: a part of the name of their category, in any case; ``role``: ``getter``, ``setter`` or ``terminator``.
        Returns ``NodeTypes``, itself a sequence of ``NodeType``, with ``categories`` and ``total``.
        """
        query = {"category": category, "role": role}
        return await self._send(Request("GET", "/node-types", enveloped(NodeTypes), query=query), options)
