"""The clients of Vantage: the same attributes, blocking or awaitable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from vantage_sdk.base_client import AsyncClient, BlockingClient, Client
from vantage_sdk.config import MAX_RETRY_WAIT, changed, resolve
from vantage_sdk.core.dialect import PLATFORM, WORKFLOWS
from vantage_sdk.core.limiter import Limiter
from vantage_sdk.core.resource import Async, Mode, RawAsync, RawSync, Sync
from vantage_sdk.core.shared import Shared
from vantage_sdk.profiles import LIMITS
from vantage_sdk.resources import Resources

if TYPE_CHECKING:
    from vantage_sdk.core.deadline import Seconds
    from vantage_sdk.core.io.settings import Verify


class _Client(Client, Resources[Mode]):
    """What the blocking and the asynchronous client share: how they are made."""

    _changeable = (*LIMITS, "organization")
    _secrets: ClassVar[Mapping[str, str]] = {
        "api_key": "set VANTAGE_API_KEY",
        "workflows_key": "set VANTAGE_WORKFLOWS_KEY",
    }

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        *,
        timeout: Seconds | None = 30.0,
        max_retries: int = 3,
        deadline: Seconds | None = None,
        max_retry_wait: Seconds = MAX_RETRY_WAIT,
        debug: bool = False,
        http_client: Any = None,
        profile: str | None = None,
        verify: Verify = None,
        proxy: str | None = None,
        trust_env: bool = True,
        allow_insecure: bool = False,
        max_connections: int | None = None,
        workflows_url: str | None = None,
        workflows_key: str | None = None,
        requests_per_minute: int | None = None,
    ) -> None:
        config = resolve(
            api_key=api_key,
            given_url=base_url,
            organization=organization,
            profile=profile,
            allow_insecure=allow_insecure,
            workflows_url=workflows_url,
            workflows_key=workflows_key,
            **changed(timeout=timeout, max_retries=max_retries, deadline=deadline, max_retry_wait=max_retry_wait),
        )
        shared = Shared()
        if requests_per_minute is not None:
            shared.beside(WORKFLOWS).limiter = Limiter(requests_per_minute)
        given = {
            "base_url": base_url,
            "organization": organization,
            "profile": profile,
            "verify": verify,
            "proxy": proxy,
            "trust_env": trust_env,
            "allow_insecure": allow_insecure,
            "max_connections": max_connections,
            "workflows_url": workflows_url,
            "requests_per_minute": requests_per_minute,
        }
        self._connect(config, PLATFORM, shared, given, debug=debug, http_client=http_client)


class VantageClient(BlockingClient, _Client[Sync]):
    """A client of Vantage whose methods block; safe to share between threads and usable inside a running event loop.

    ``api_key``, ``base_url``, ``organization``: default ``VANTAGE_API_KEY``, ``VANTAGE_BASE_URL``, ``VANTAGE_ORGANIZATION``,
    then the profile file, see ``profile``.  ``base_url`` with or without ``/v1``; ``https``, or ``http`` to a loopback address
    unless ``allow_insecure``.

    ``timeout``: seconds for one attempt, default 30, ``None`` for no limit.  ``max_retries``: attempts after the first,
    default 3.  ``deadline``: seconds for each whole call with its retries, waits and pages, default none.
    ``max_retry_wait``: the longest wait in seconds that a server may ask for, default 60; a longer one raises at once.
    ``debug``: log each exchange to the logger ``vantage_sdk``, credentials left out.  ``profile``: table of
    ``~/.config/vantage/config.toml``, default ``VANTAGE_PROFILE`` or ``default``.

    ``http_client``: an ``httpx.Client`` to send with; it stays yours to close, and the settings that follow do not apply.
    ``verify``: an ``ssl.SSLContext``, a CA file or folder, or ``"system"``.  ``proxy``: its URL.  ``trust_env``: obey the proxy
    variables of the environment.  ``max_connections``: default 64.

    ``workflows_url``: where workflows, keys and node types are, default ``VANTAGE_WORKFLOWS_URL``, else ``/api/v1`` of the same
    server.  ``workflows_key``: their API key, default ``VANTAGE_WORKFLOWS_KEY``, else ``api_key``, which however never goes to
    another server than that of ``base_url``.  ``requests_per_minute``: send no more requests to them a minute, over all
    threads, tasks and copies of the client, so that a server which allows 60 never refuses one; default no limit.

    Raises ``ConfigError`` if a setting is missing or wrong.
    """

    @cached_property
    def with_raw(self) -> Resources[RawSync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawSync)


class AsyncVantageClient(AsyncClient, _Client[Async]):
    """A client of Vantage whose methods are awaited, on asyncio and trio; parameters and errors as ``VantageClient``.

    ``http_client`` takes an ``httpx.AsyncClient``.  Connections belong to the event loop that made them and are closed when it
    ends, so one client can serve several event loops, one after the other or in several threads.
    """

    @cached_property
    def with_raw(self) -> Resources[RawAsync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawAsync)
