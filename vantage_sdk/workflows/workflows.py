"""Workflows: list, inspect, create, change, delete; running them is in ``execution``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id, id_text
from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, method, stream
from vantage_sdk.core.retry import gone_is_done
from vantage_sdk.core.shapes import as_object
from vantage_sdk.exceptions import ResourceNotFoundError
from vantage_sdk.models.base import nothing
from vantage_sdk.models.envelope import enveloped
from vantage_sdk.models.workflow import Workflow, WorkflowSummary
from vantage_sdk.models.workflow_graph import WorkflowGraph
from vantage_sdk.pagination import Page, walk
from vantage_sdk.workflows.execution import WorkflowExecution
from vantage_sdk.workflows.paging import numbered, numbers

WORKFLOWS = numbered(WorkflowSummary, "workflows")
LARGEST_PAGE = 100
Graph = WorkflowGraph | Mapping[str, Any]


class Workflows(WorkflowExecution[Mode]):
    """Workflows of the caller, or of the whole organization, as the scope level of the API key has it."""

    @method
    async def list(
        self: Workflows[Async],
        *,
        limit: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Page[WorkflowSummary]:
        """Fetch one page of workflows.

        ``limit``: page size, default 50, at most 100; ``page``: its number, counted from 0; ``page_token``:
        ``next_page_token`` of the page before, which also has the page size, ``None`` for the first.  Returns a ``Page``, itself
        a sequence of ``WorkflowSummary``.  Raises ``ValueError`` for arguments that contradict each other.
        """
        query = numbers(limit, page, page_token)
        return await self._send(Request("GET", "/workflows", WORKFLOWS, query=query), options)

    @stream
    async def list_paginated(
        self: Workflows[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[Page[WorkflowSummary]], None]:
        """Yield every page of workflows; ``page_size`` is 100 by default, parameters and errors as ``jobs.list_paginated``."""

        async def fetch(token: str | None) -> Page[WorkflowSummary]:
            size = LARGEST_PAGE if page_size is None else page_size
            return await self.list(limit=size, page_token=token, **options)

        async with aclosing(walk(fetch, self._sender.io, prefetch=prefetch, max_items=max_items)) as walked:
            async for pages in walked:
                yield pages

    @stream
    async def list_all(
        self: Workflows[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[WorkflowSummary], None]:
        """Yield every workflow, fetching pages as needed; parameters and errors as ``list_paginated``."""
        pages = self.list_paginated(page_size=page_size, prefetch=prefetch, max_items=max_items, **options)
        async with pages:
            async for page in pages:
                yield page.items

    @method
    async def get(self: Workflows[Async], workflow_id: Id, **options: Unpack[CallOptions]) -> Workflow:
        """Fetch one workflow with its nodes and edges; ``workflow.graph`` can be changed and given to ``update``.

        Raises ``ResourceNotFoundError`` if there is no such workflow, or none that the key may see.
        """
        values = {"workflow_id": id_text(workflow_id, "workflow_id")}
        return await self._send(Request("GET", "/workflows/{workflow_id}", enveloped(Workflow), values), options)

    @method
    async def create(self: Workflows[Async], graph: Graph, **options: Unpack[CallOptions]) -> Workflow:
        """Create a workflow and return it with its nodes, edges and ``node_id_map``.

        ``graph``: a ``WorkflowGraph``, which is checked first, or a mapping like the documented body, which is sent as it is:
        ``graph.to_dict()`` stores a draft without a terminator.

        Raises ``ValueError`` for a graph that cannot run, ``ValidationError`` if the server refuses it, and
        ``SubmitOutcomeUnknown`` if the connection failed and the workflow may exist: look for its title.
        """
        request = Request("POST", "/workflows", enveloped(Workflow), json=_body(graph), safety=Safety.KEYED)
        return await self._send(request, options)

    @method
    async def update(
        self: Workflows[Async],
        workflow_id: Id,
        *,
        title: str | None = None,
        description: str | None = None,
        is_active: bool | None = None,
        graph: Graph | None = None,
        **options: Unpack[CallOptions],
    ) -> Workflow:
        """Change what is given: ``title``, ``description`` and ``is_active``, or with ``graph`` all nodes and edges as well.

        ``graph``: as for ``create``; the stored graph is replaced as a whole or, if the server refuses it, not at all, and the
        answer has the ``node_id_map``.  Its title and description count unless they are given.

        Raises ``ResourceNotFoundError`` if there is no such workflow, ``ValueError`` if nothing is given.
        """
        wanted = {"title": title, "description": description, "is_active": is_active}
        given = {field: value for field, value in wanted.items() if value is not None}
        changes = {**({} if graph is None else _body(graph)), **given}
        if not changes:
            raise ValueError("nothing to update: give title, description, is_active or graph")
        name = id_text(workflow_id, "workflow_id")
        decode = enveloped(Workflow, id=workflow_id)  # an answer of a few fields is documented
        return await self._send(
            Request("PATCH", "/workflows/{workflow_id}", decode, {"workflow_id": name}, json=changes), options
        )

    @method
    async def delete(self: Workflows[Async], workflow_id: Id, **options: Unpack[CallOptions]) -> None:
        """Remove a workflow for good, with its nodes, edges and schedules.

        Raises ``ResourceNotFoundError`` if there is no such workflow.
        """
        values = {"workflow_id": id_text(workflow_id, "workflow_id")}
        try:
            await self._send(Request("DELETE", "/workflows/{workflow_id}", nothing, values), options)
        except ResourceNotFoundError as error:
            if not gone_is_done(error):
                raise


def _body(graph: Any) -> dict[str, Any]:
    if isinstance(graph, WorkflowGraph):
        graph.check()
        return graph.to_dict()
    body = as_object(graph)
    if body is None:
        raise TypeError(f"graph takes a WorkflowGraph or a mapping, not {type(graph).__name__}")
    return dict(body)
