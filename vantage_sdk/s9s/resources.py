"""The attributes of a client of S9S, one noun each; what they need is loaded when they are first used."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_count, as_text
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, ResourceSet, method

if TYPE_CHECKING:
    from vantage_sdk.models.s9s_search import SearchResults
    from vantage_sdk.models.s9s_status import S9SStatus
    from vantage_sdk.s9s.events import Events
    from vantage_sdk.s9s.exports import Exports
    from vantage_sdk.s9s.jobs import Jobs
    from vantage_sdk.s9s.metrics import Metrics
    from vantage_sdk.s9s.nodes import Nodes
    from vantage_sdk.s9s.partitions import Partitions
    from vantage_sdk.s9s.reports import Reports
    from vantage_sdk.s9s.users import Users

Kind = Literal["jobs", "nodes", "users"]


class Resources(ResourceSet[Mode]):
    """What a client of S9S offers, in one of its faces."""

    @cached_property
    def _core(self) -> Any:
        return Resources(self._sender, Async)

    @cached_property
    def jobs(self) -> Jobs[Mode]:
        """Submit, wait for and manage jobs."""
        from vantage_sdk.s9s.jobs import Jobs

        return Jobs(self._sender, self._mode)

    @cached_property
    def events(self) -> Events[Mode]:
        """Be told of changes as they happen."""
        from vantage_sdk.s9s.events import Events

        return Events(self._sender, self._mode)

    @cached_property
    def nodes(self) -> Nodes[Mode]:
        """List nodes, take them out of service and back."""
        from vantage_sdk.s9s.nodes import Nodes

        return Nodes(self._sender, self._mode)

    @cached_property
    def users(self) -> Users[Mode]:
        """List users and what they may use."""
        from vantage_sdk.s9s.users import Users

        return Users(self._sender, self._mode)

    @cached_property
    def partitions(self) -> Partitions[Mode]:
        """List partitions and their limits."""
        from vantage_sdk.s9s.partitions import Partitions

        return Partitions(self._sender, self._mode)

    @cached_property
    def metrics(self) -> Metrics[Mode]:
        """Fetch how the cluster is used, and how well."""
        from vantage_sdk.s9s.metrics import Metrics

        return Metrics(self._sender, self._mode)

    @cached_property
    def exports(self) -> Exports[Mode]:
        """Have rows of jobs and others made into files, and download them."""
        from vantage_sdk.s9s.exports import Exports

        return Exports(self._sender, self._mode)

    @cached_property
    def reports(self) -> Reports[Mode]:
        """Have reports made, and download them."""
        from vantage_sdk.s9s.reports import Reports

        return Reports(self._sender, self._mode)

    @method
    async def search(
        self: Resources[Async],
        q: str,
        *,
        type: Kind | None = None,
        limit: int | None = None,
        **options: Unpack[CallOptions],
    ) -> SearchResults:
        """Find jobs, nodes and users.

        ``q``: words, all of which must be there; ``type``: ``jobs``, ``nodes`` or ``users``, default all of them; ``limit``: the most
        to return, default the server's choice.  Returns ``SearchResults``, itself a sequence of ``SearchHit``, the best first.
        """
        from vantage_sdk.models.base import one
        from vantage_sdk.models.s9s_search import SearchResults

        query = {
            "q": as_text(q, "q"),
            "type": None if type is None else as_text(type, "type"),
            "limit": None if limit is None else as_count(limit, "limit", 1),
        }
        return await self._send(Request("GET", "/search", one(SearchResults), query=query), options)

    @method
    async def status(self: Resources[Async], **options: Unpack[CallOptions]) -> S9SStatus:
        """Fetch the state of the service; raise ``AuthenticationError`` if the credential is not good for it."""
        from vantage_sdk.models.base import one
        from vantage_sdk.models.s9s_status import S9SStatus

        return await self._send(Request("GET", "/status", one(S9SStatus)), options)

    @method
    async def openapi(self: Resources[Async], **options: Unpack[CallOptions]) -> Mapping[str, Any]:
        """Fetch the OpenAPI document of the service, as a mapping."""
        from vantage_sdk.models.base import parsed_object

        return await self._send(Request("GET", "/openapi.json", parsed_object), options)
