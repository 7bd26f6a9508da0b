"""Partitions of S9S."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.s9s_partition import S9SPartition
from vantage_sdk.pagination import Page, whole_list_of

PARTITIONS = whole_list_of(S9SPartition, "partitions")


class Partitions(Resource[Mode]):
    """Partitions of S9S."""

    @method
    async def list(self: Partitions[Async], **options: Unpack[CallOptions]) -> Page[S9SPartition]:
        """Fetch all partitions; returns a ``Page``, itself a sequence of ``S9SPartition``."""
        return await self._send(Request("GET", "/partitions", PARTITIONS), options)
