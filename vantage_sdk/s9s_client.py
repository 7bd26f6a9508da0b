"""The clients of S9S: the same attributes, blocking or awaitable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from vantage_sdk.base_client import AsyncClient, BlockingClient, Client
from vantage_sdk.config import MAX_RETRY_WAIT, changed
from vantage_sdk.core.dialect import S9S
from vantage_sdk.core.resource import Async, Mode, RawAsync, RawSync, Sync
from vantage_sdk.core.shared import Shared
from vantage_sdk.s9s.resources import Resources
from vantage_sdk.service_config import resolve_s9s

if TYPE_CHECKING:
    from vantage_sdk.core.deadline import Seconds
    from vantage_sdk.core.io.settings import Verify
    from vantage_sdk.core.tokens import TokenSource

Cert = str | PathLike[str] | tuple[str | PathLike[str], str | PathLike[str]]
PROFILE = "put it into the table s9s of a profile"


class _Client(Client, Resources[Mode]):
    """What the blocking and the asynchronous client share: how they are made."""

    _secrets: ClassVar[Mapping[str, str]] = {"token": "set S9S_API_TOKEN", "api_key": PROFILE, "client_secret": PROFILE}

    def __init__(
        self,
        base_url: str | None = None,
        token: str | TokenSource | None = None,
        *,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        cert: Cert | None = None,
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
        config = resolve_s9s(
            given_url=base_url,
            credentials={"token": token, "api_key": api_key, "client_id": client_id, "client_secret": client_secret},
            cert=cert,
            certified=http_client is not None or not isinstance(verify, str | None),
            blocking=self._face is Sync,
            profile=profile,
            allow_insecure=allow_insecure,
            **changed(timeout=timeout, max_retries=max_retries, deadline=deadline, max_retry_wait=max_retry_wait),
        )
        given = {
            "base_url": base_url,
            "cert": cert,
            "profile": profile,
            "verify": verify,
            "proxy": proxy,
            "trust_env": trust_env,
            "allow_insecure": allow_insecure,
            "max_connections": max_connections,
        }
        self._connect(config, S9S, Shared(), given, debug=debug, http_client=http_client)


class S9SClient(BlockingClient, _Client[Sync]):
    """A client of S9S whose methods block; safe to share between threads and usable inside a running event loop.

    ``base_url``: of the service, with or without ``/v1``; one that ends in ``/api/v1`` keeps that; default ``S9S_API_URL``, and
    none beyond that; ``https``, or ``http`` to a loopback address unless ``allow_insecure``.

    One credential: ``token``, a bearer token as text, or a function that returns one, see ``JobServiceClient``, default
    ``S9S_API_TOKEN``; or ``api_key``, sent as ``X-API-Key``; or ``client_id`` and ``client_secret``, which get tokens from
    ``/oauth/token`` of the same server: one for all threads, the next one a minute before its end, or when four fifths of a
    short life are over, and once after a 401.  ``cert``: a PEM file with a client certificate and its key, or a pair of files,
    alone or beside one of these; with a password, load them into an ``ssl.SSLContext`` for ``verify``.  All may stand in the table
    ``[default.s9s]`` of the profile file; a credential that is given as an argument leaves those of the environment and the file
    aside, and the environment those of the file.

    ``timeout``: seconds for one attempt, default 30, ``None`` for no limit.  ``max_retries``: attempts after the first,
    default 3.  ``deadline``: seconds for each whole call with its retries, waits and pages, default none.
    ``max_retry_wait``: the longest wait in seconds that a server may ask for, default 60; a longer one raises at once.
    ``debug``: log each exchange to the logger ``vantage_sdk``, credentials left out.  ``profile``: table of
    ``~/.config/vantage/config.toml``, default ``VANTAGE_PROFILE`` or ``default``.

    ``http_client``: an ``httpx.Client`` to send with; it stays yours to close, and ``cert`` and the settings that follow do not
    apply.  ``verify``: an ``ssl.SSLContext``, a CA file or folder, or ``"system"``.  ``proxy``: its URL.  ``trust_env``: obey the
    proxy variables of the environment.  ``max_connections``: default 64.

    Raises ``ConfigError`` if a setting is missing or wrong, or there is more than one credential.
    """

    @cached_property
    def with_raw(self) -> Resources[RawSync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawSync)


class AsyncS9SClient(AsyncClient, _Client[Async]):
    """A client of S9S whose methods are awaited, on asyncio and trio; parameters and errors as ``S9SClient``.

    The function for ``token`` may be a coroutine function, see ``AsyncJobServiceClient``.  ``http_client`` takes an
    ``httpx.AsyncClient``.  Connections belong to the event loop that made them and are closed when it ends.
    """

    @cached_property
    def with_raw(self) -> Resources[RawAsync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawAsync)
