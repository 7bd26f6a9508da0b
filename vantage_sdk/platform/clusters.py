"""Clusters of the platform: list, inspect, scale."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method, stream
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.models.base import one
from vantage_sdk.models.cluster import Cluster, ClusterNode, ClusterUsage
from vantage_sdk.models.metrics import ClusterMetrics
from vantage_sdk.pagination import Page, page_of, start_of, walk

Time = str | datetime
CLUSTERS = page_of(Cluster, "clusters")
NODES = page_of(ClusterNode, "nodes")
LARGEST_PAGE = 100


class ClusterFilters(CallOptions, total=False):
    """What a list of clusters can be narrowed and sorted by.

    ``status``, ``provider``, ``region``: exact words; ``created_after``, ``created_before``, ``updated_after``,
    ``updated_before``: ISO 8601 text or an aware ``datetime``, bounds excluded; ``sort``: ``created_at``, ``updated_at`` or
    ``name``, with a leading ``-`` for descending, default ``-created_at``.
    """

    status: str | None
    provider: str | None
    region: str | None
    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    sort: str | None


_FILTERS = tuple(name for name in ClusterFilters.__annotations__ if name not in CallOptions.__annotations__)


class Clusters(Resource[Mode]):
    """Clusters of the platform."""

    @method
    async def list(
        self: Clusters[Async],
        *,
        limit: int | None = None,
        offset: int | None = None,
        page: int | None = None,
        page_token: str | None = None,
        **filters: Unpack[ClusterFilters],
    ) -> Page[Cluster]:
        """Fetch all clusters, or one page of them if ``limit``, ``offset``, ``page`` or ``page_token`` is given.

        ``limit``: page size, at most 100; ``offset``: clusters to skip, or ``page``: number from 1; filters: see
        ``ClusterFilters``.  Returns a ``Page``, itself a sequence of ``Cluster``.
        """
        query = {name: filters.get(name) for name in _FILTERS}
        options = {name: value for name, value in filters.items() if name not in _FILTERS}
        place = {"limit": limit, "offset": offset, "page": page, "page_token": page_token}
        if any(value is not None for value in place.values()):
            return await self._send(Request("GET", "/clusters", CLUSTERS, query=start_of({**query, **place})), options)
        clusters = [cluster async for cluster in self.list_all(page_size=LARGEST_PAGE, **filters)]
        return Page(clusters, len(clusters), len(clusters), 0, 1)

    @stream
    async def list_paginated(
        self: Clusters[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ClusterFilters],
    ) -> AsyncGenerator[Sequence[Page[Cluster]], None]:
        """Yield every page of clusters; parameters and errors as ``jobs.list_paginated``, filters: see ``ClusterFilters``."""

        async def fetch(token: str | None) -> Page[Cluster]:
            return await self.list(limit=LARGEST_PAGE if page_size is None else page_size, page_token=token, **filters)

        async with aclosing(walk(fetch, self._sender.io, prefetch=prefetch, max_items=max_items)) as walked:
            async for pages in walked:
                yield pages

    @stream
    async def list_all(
        self: Clusters[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        max_items: int | None = None,
        **filters: Unpack[ClusterFilters],
    ) -> AsyncGenerator[Sequence[Cluster], None]:
        """Yield every cluster, fetching pages as needed; parameters and errors as ``list_paginated``."""
        pages = self.list_paginated(page_size=page_size, prefetch=prefetch, max_items=max_items, **filters)
        async with pages:
            async for page in pages:
                yield page.items

    @method
    async def get(
        self: Clusters[Async], name: str, *, include: Sequence[str] = (), **options: Unpack[CallOptions]
    ) -> Cluster:
        """Fetch one cluster by name or id.

        ``include``: any of ``nodes`` and ``metrics``, embedded in the cluster; what the server leaves out is fetched with a
        call of its own.  Raises ``ResourceNotFoundError`` if there is no such cluster.
        """
        wanted = [include] if isinstance(include, str) else [*include]
        query = {"include": wanted or None}
        cluster = await self._send(Request("GET", "/clusters/{name}", one(Cluster), {"name": name}, query), options)
        found: dict[str, Any] = {}
        if "nodes" in wanted and cluster.nodes is None:
            found["nodes"] = [node.to_dict() for node in await self.nodes(cluster.id, **options)]
        if "metrics" in wanted and cluster.metrics is None:
            request = Request("GET", "/monitoring/clusters/{name}/metrics", one(ClusterMetrics), {"name": cluster.id})
            found["metrics"] = (await self._send(request, options)).to_dict()
        return Cluster.from_dict({**cluster.to_dict(), **found}) if found else cluster

    @method
    async def usage(
        self: Clusters[Async],
        name: str,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        **options: Unpack[CallOptions],
    ) -> ClusterUsage:
        """Fetch what a cluster was used for in a period: core, GPU and gigabyte hours, jobs, mean utilization.

        ``created_after``, ``created_before``: the period, ISO 8601 text or aware ``datetime``s, default the server's.
        """
        query = {"created_after": created_after, "created_before": created_before}
        return await self._send(
            Request("GET", "/clusters/{name}/usage", one(ClusterUsage), {"name": name}, query), options
        )

    @method
    async def nodes(
        self: Clusters[Async],
        name: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Page[ClusterNode]:
        """Fetch the nodes of a cluster: all of them, or one page if ``limit`` (at most 100) or ``offset`` is given."""

        async def fetch(place: Mapping[str, Any]) -> Page[ClusterNode]:
            request = Request("GET", "/clusters/{name}/nodes", NODES, {"name": name}, start_of(place))
            return await self._send(request, options)

        if limit is not None or offset is not None:
            return await fetch({"limit": limit, "offset": offset})

        async def next_page(token: str | None) -> Page[ClusterNode]:
            return await fetch({"limit": LARGEST_PAGE, "page_token": token})

        found = [node async for pages in walk(next_page, self._sender.io) for page in pages for node in page]
        return Page(found, len(found), len(found), 0, 1)

    @method
    async def scale(
        self: Clusters[Async],
        name: str,
        *,
        nodes: int | None = None,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        target_utilization: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Cluster:
        """Set the size of a cluster: ``nodes`` for a fixed one, or ``min_nodes`` and ``max_nodes`` for a range.

        ``target_utilization``: share of the capacity to aim at within the range, above 0 and at most 1.  Returns the cluster;
        its nodes come and go after that.  Raises ``ValueError`` for arguments that contradict each other.
        """
        policy = _policy(nodes, min_nodes, max_nodes, target_utilization)
        return await self._send(
            Request("POST", "/clusters/{name}/scale", one(Cluster), {"name": name}, json=policy), options
        )


def _policy(nodes: int | None, low: int | None, high: int | None, target: float | None) -> dict[str, int | float]:
    given = {"nodes": nodes, "min_nodes": low, "max_nodes": high}
    for name, value in given.items():
        if value is not None and not is_whole(value, 0):
            raise ValueError(f"{name} is a number from 0, not {value!r}")
    if target is not None and (isinstance(target, bool | str) or not 0 < target <= 1):
        raise ValueError(f"target_utilization is above 0 and at most 1, not {target!r}")
    if nodes is not None:
        if low is not None or high is not None or target is not None:
            raise ValueError("nodes sets a fixed size: give no min_nodes, max_nodes or target_utilization beside it")
        return {"nodes": nodes}
    if low is None or high is None:
        raise ValueError("give nodes, or both min_nodes and max_nodes")
    if low > high:
        raise ValueError(f"min_nodes ({low}) is above max_nodes ({high})")
    policy: dict[str, int | float] = {"min_nodes": low, "max_nodes": high}
    return policy if target is None else {**policy, "target_utilization": target}
