"""Clusters of the job service."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.jobservice.cluster import JobServiceCluster
from vantage_sdk.pagination import Page, page_of


class Clusters(Resource[Mode]):
    """Clusters of the job service."""

    @method
    async def list(self: Clusters[Async], **options: Unpack[CallOptions]) -> Page[JobServiceCluster]:
        """Fetch all clusters, with their numbers of nodes, GPUs and running jobs; returns a ``Page``, itself a sequence."""
        return await self._send(Request("GET", "/clusters/", page_of(JobServiceCluster, "clusters")), options)

    @method
    async def get(self: Clusters[Async], name: str, **options: Unpack[CallOptions]) -> JobServiceCluster:
        """Fetch one cluster by its name, with its nodes and its capacity.

        Raises ``ResourceNotFoundError`` if there is no such cluster.
        """
        return await self._send(Request("GET", "/clusters/{name}", one(JobServiceCluster), {"name": name}), options)
