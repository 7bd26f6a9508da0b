"""How the job service is; asked without credentials."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.models.base import one
from vantage_sdk.models.jobservice.health import Liveness, Readiness


class Health(Resource[Mode]):
    """How the job service is."""

    @method
    async def live(self: Health[Async], **options: Unpack[CallOptions]) -> Liveness:
        """Ask whether the service runs; no credential is sent."""
        return await self._send(Request("GET", "/health/live", one(Liveness), anonymous=True), options)

    @method
    async def ready(self: Health[Async], **options: Unpack[CallOptions]) -> Readiness:
        """Ask whether the service is ready for work; no credential is sent.

        A service that is ``degraded`` answers as well, with status 503: that is no error and is not tried again.  Raises
        ``ServerError`` for a 503 that is an error of its own.
        """
        request = Request("GET", "/health/ready", one(Readiness), anonymous=True, also=frozenset({503}))
        return await self._send(request, options)
