"""The clients of the job service: the same attributes, blocking or awaitable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from vantage_sdk.base_client import AsyncClient, BlockingClient, Client
from vantage_sdk.config import MAX_RETRY_WAIT, changed
from vantage_sdk.core.dialect import JOBSERVICE
from vantage_sdk.core.resource import Async, Mode, RawAsync, RawSync, Sync
from vantage_sdk.core.shared import Shared
from vantage_sdk.jobservice.resources import Resources
from vantage_sdk.service_config import resolve_job_service

if TYPE_CHECKING:
    from vantage_sdk.core.deadline import Seconds
    from vantage_sdk.core.io.settings import Verify
    from vantage_sdk.core.tokens import TokenSource


class _Client(Client, Resources[Mode]):
    """What the blocking and the asynchronous client share: how they are made."""

    _secrets: ClassVar[Mapping[str, str]] = {"token": "set VANTAGE_JOB_SERVICE_TOKEN"}

    def __init__(
        self,
        token: str | TokenSource | None = None,
        base_url: str | None = None,
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
    ) -> None:
        config = resolve_job_service(
            token=token,
            given_url=base_url,
            blocking=self._face is Sync,
            profile=profile,
            allow_insecure=allow_insecure,
            **changed(timeout=timeout, max_retries=max_retries, deadline=deadline, max_retry_wait=max_retry_wait),
        )
        given = {
            "base_url": base_url,
            "profile": profile,
            "verify": verify,
            "proxy": proxy,
            "trust_env": trust_env,
            "allow_insecure": allow_insecure,
            "max_connections": max_connections,
        }
        self._connect(config, JOBSERVICE, Shared(), given, debug=debug, http_client=http_client)


class JobServiceClient(BlockingClient, _Client[Sync]):
    """A client of the job service whose methods block; safe to share between threads and usable inside a running event loop.

    ``token``: the JWT as text, or a function that returns one, see below; default ``VANTAGE_JOB_SERVICE_TOKEN``.  ``base_url``:
    of the service, with or without ``/api/v1``; default ``VANTAGE_JOB_SERVICE_URL``, and none beyond that; ``https``, or
    ``http`` to a loopback address unless ``allow_insecure``.  Both may stand in the table ``[default.jobservice]`` of the
    profile file.

    A function is called when no token is known, 30 seconds before the ``exp`` of a token that tells one, and once after a
    401, after which that call is sent again with the new token.  It is called once for all threads, and must not use this
    client.

    ``timeout``: seconds for one attempt, default 30, ``None`` for no limit.  ``max_retries``: attempts after the first,
    default 3.  ``deadline``: seconds for each whole call with its retries, waits and pages, default none.
    ``max_retry_wait``: the longest wait in seconds that a server may ask for, default 60; a longer one raises at once.
    ``debug``: log each exchange to the logger ``vantage_sdk``, credentials left out.  ``profile``: table of
    ``~/.config/vantage/config.toml``, default ``VANTAGE_PROFILE`` or ``default``.

    ``http_client``: an ``httpx.Client`` to send with; it stays yours to close, and the settings that follow do not apply.
    ``verify``: an ``ssl.SSLContext``, a CA file or folder, or ``"system"``.  ``proxy``: its URL.  ``trust_env``: obey the proxy
    variables of the environment.  ``max_connections``: default 64.

    Raises ``ConfigError`` if a setting is missing or wrong.
    """

    @cached_property
    def with_raw(self) -> Resources[RawSync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawSync)


class AsyncJobServiceClient(AsyncClient, _Client[Async]):
    """A client of the job service whose methods are awaited, on asyncio and trio; parameters and errors as ``JobServiceClient``.

    The function for ``token`` may be a coroutine function; a plain one runs in a worker thread.  It is called once for all tasks,
    and goes on when the task that needed the token first is cancelled.  ``http_client`` takes an ``httpx.AsyncClient``.
    Connections belong to the event loop that made them and are closed when it ends.
    """

    @cached_property
    def with_raw(self) -> Resources[RawAsync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawAsync)
