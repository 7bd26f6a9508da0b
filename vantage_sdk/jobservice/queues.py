"""Queues of the job service."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.jobservice.queue import Queue, Queues


class QueueList(Resource[Mode]):
    """Queues of the job service."""

    @method
    async def list(self: QueueList[Async], **options: Unpack[CallOptions]) -> Queues:
        """Fetch all queues: how many jobs wait and run in each, and in all of them.

        Returns ``Queues``, itself a sequence of ``Queue``, with ``total_pending`` and ``total_processing``.
        """
        return await self._send(Request("GET", "/queues/", one(Queues)), options)

    @method
    async def get(self: QueueList[Async], name: str, **options: Unpack[CallOptions]) -> Queue:
        """Fetch one queue by its name, with the jobs that wait in it and its statistics.

        Raises ``ResourceNotFoundError`` if there is no such queue.
        """
        return await self._send(Request("GET", "/queues/{name}", one(Queue), {"name": name}), options)
