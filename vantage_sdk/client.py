"""The clients: the same attributes, blocking or awaitable."""

from __future__ import annotations

import sys
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from vantage_sdk.config import MAX_RETRY_WAIT, Config, resolve
from vantage_sdk.core.dialect import PLATFORM, WORKFLOWS
from vantage_sdk.core.limiter import Limiter
from vantage_sdk.core.logs import set_up_logging
from vantage_sdk.core.resource import Async, Mode, RawAsync, RawSync, Sync
from vantage_sdk.core.sending import Sender
from vantage_sdk.core.shared import Shared
from vantage_sdk.core.stepping import run
from vantage_sdk.resources import Resources

if TYPE_CHECKING:
    import httpx

    from vantage_sdk.core.answer import RawResponse
    from vantage_sdk.core.deadline import Seconds
    from vantage_sdk.core.io.settings import Settings, Verify


class _Client(Resources[Mode]):
    """What the blocking and the asynchronous client share: everything but I/O."""

    _face: type[Any]

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
        given = {"timeout": (timeout, 30.0), "max_retries": (max_retries, 3), "deadline": (deadline, None)}
        limits = {name: value for name, (value, default) in given.items() if value != default}
        if max_retry_wait != MAX_RETRY_WAIT:
            limits["max_retry_wait"] = max_retry_wait
        config = resolve(
            prefix=PLATFORM.prefix,
            api_key=api_key,
            given_url=base_url,
            organization=organization,
            profile=profile,
            allow_insecure=allow_insecure,
            workflows_url=workflows_url,
            workflows_key=workflows_key,
            **limits,
        )
        shared = Shared()
        if requests_per_minute is not None:
            shared.beside(WORKFLOWS).limiter = Limiter(requests_per_minute)
        set_up_logging(debug=debug)
        from vantage_sdk.core.io.settings import connection_settings

        settings = connection_settings(config.base_url, verify, proxy, trust_env, max_connections)
        io = self._open(settings, _made_at(), http_client)
        self._given: dict[str, Any] = {
            "base_url": base_url,
            "organization": organization,
            "profile": profile,
            "verify": verify,
            "proxy": proxy,
            "trust_env": trust_env,
            "allow_insecure": allow_insecure,
            "max_connections": max_connections,
            "http_client": http_client,
            "workflows_url": workflows_url,
            "requests_per_minute": requests_per_minute,
        }
        self._adopt(Sender(io, config, PLATFORM, shared))

    def _adopt(self, sender: Sender) -> None:
        self._sender = sender
        self._mode = self._face

    def _open(self, settings: Settings, made_at: str, http_client: Any) -> Any:
        raise NotImplementedError

    @property
    def config(self) -> Config:
        """The settings of this client; ``config.explain()`` tells where each came from."""
        return self._sender.config

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with other limits that shares connections, retry quota and tokens with this client.

        ``timeout``: seconds for one attempt; ``max_retries``: attempts after the first; ``deadline``: seconds for each whole
        call; ``max_retry_wait``: the longest wait that a server may ask for before the call gives up; ``organization``: its id.
        Raises ``ConfigError`` for a value that makes no sense, ``TypeError`` for another name.
        """
        if unknown := changes.keys() - {"timeout", "max_retries", "deadline", "max_retry_wait", "organization"}:
            raise TypeError(f"with_options takes no {', '.join(sorted(unknown))}")
        old = self._sender
        twin = type(self).__new__(type(self))
        twin._given = {
            **self._given,
            **({"organization": changes["organization"]} if "organization" in changes else {}),
        }
        twin._adopt(Sender(old.io, old.config.altered(**changes), old.dialect, old.shared))
        return twin

    def _spelled(self, verb: str, path: str, options: dict[str, Any]) -> Any:
        raw = RawSync if self._face is Sync else RawAsync
        return Resources(self._sender, raw)._endpoint.request(verb.upper(), path, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.base_url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; key and base URL are found anew, together, where the client is unpickled."""
        config, given = self.config, self._given
        for name in ("api_key", "workflows_key"):
            if config.sources.get(name) == "argument":
                raise TypeError(
                    f"a client made with {name}= cannot be pickled, because the key would be in the pickle; "
                    f"make the client where it is used, or set VANTAGE_{name.upper()} there"
                )
        if given["http_client"] is not None or not isinstance(given["verify"], str | None):
            raise TypeError(
                "a client made with http_client= or an SSLContext cannot be pickled; make it where it is used"
            )
        limits = {name: getattr(config, name) for name in ("timeout", "max_retries", "deadline", "max_retry_wait")}
        return _renewed, (type(self), {**given, **limits})


class VantageClient(_Client[Sync]):
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

    _face = Sync

    def _open(self, settings: Settings, made_at: str, http_client: httpx.Client | None) -> Any:
        from vantage_sdk.core.io.blocking import BlockingIO

        _check_kind(http_client, "Client")
        return BlockingIO(settings, made_at, http_client)

    @cached_property
    def with_raw(self) -> Resources[RawSync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawSync)

    def request(self, method: str, path: str, **options: Any) -> RawResponse[Any]:
        """Send a request to an endpoint that the SDK has no method for.

        ``path``: below the base URL, with or without the version prefix; one that begins with ``/api/`` is below the server,
        where the other families live; ``query``, ``json``: parameters and body;
        ``idempotent``: for POST and PATCH that may be repeated; ``idempotency_key``; further options as for every method.
        Returns a ``RawResponse`` whose ``data`` is the decoded JSON, text or bytes; raises as every method does.
        """
        return cast("RawResponse[Any]", self._spelled(method, path, options))

    def close(self) -> None:
        """Close the connections; copies made with ``with_options`` share them."""
        run(self._sender.io.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class AsyncVantageClient(_Client[Async]):
    """A client of Vantage whose methods are awaited, on asyncio and trio; parameters and errors as ``VantageClient``.

    ``http_client`` takes an ``httpx.AsyncClient``.  Connections belong to the event loop that made them and are closed when it
    ends, so one client can serve several event loops, one after the other or in several threads.
    """

    _face = Async

    def _open(self, settings: Settings, made_at: str, http_client: httpx.AsyncClient | None) -> Any:
        from vantage_sdk.core.io.asynchronous import AnyIO

        _check_kind(http_client, "AsyncClient")
        return AnyIO(settings, made_at, http_client)

    @cached_property
    def with_raw(self) -> Resources[RawAsync]:
        """The same methods, returning a ``RawResponse``: status, headers, request id, attempts and elapsed beside the data.

        Of a call that sends several requests it is the last answer.  Streams have no raw form.
        """
        return Resources(self._sender, RawAsync)

    async def request(self, method: str, path: str, **options: Any) -> RawResponse[Any]:
        """Send a request to an endpoint that the SDK has no method for; parameters as ``VantageClient.request``."""
        return cast("RawResponse[Any]", await self._spelled(method, path, options))

    async def aclose(self) -> None:
        """Close the connections of the running event loop; copies made with ``with_options`` share them."""
        await self._sender.io.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


def _check_kind(http_client: Any, wanted: str) -> None:
    kinds = [cls.__name__ for cls in type(http_client).__mro__]
    if http_client is not None and wanted not in kinds:
        raise TypeError(f"http_client takes an httpx.{wanted}, not {kinds[0]}")


def _renewed(kind: type[Any], arguments: dict[str, Any]) -> Any:
    return kind(**arguments)


def _made_at() -> str:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("vantage_sdk."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
