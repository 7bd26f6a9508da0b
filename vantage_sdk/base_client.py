"""What all clients have in common, and what the two faces of a client differ in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from vantage_sdk.core.logs import set_up_logging
from vantage_sdk.core.resource import Async, RawAsync, RawSync, Sync
from vantage_sdk.core.sending import Sender
from vantage_sdk.core.stepping import run
from vantage_sdk.profiles import LIMITS

if TYPE_CHECKING:
    import httpx

    from vantage_sdk.config import Config
    from vantage_sdk.core.answer import RawResponse
    from vantage_sdk.core.dialect import Dialect
    from vantage_sdk.core.io.settings import Settings
    from vantage_sdk.core.shared import Shared


class Client:
    """A client of either face: everything but I/O and resources."""

    _face: type[Any]
    _changeable: ClassVar[tuple[str, ...]] = LIMITS
    _secrets: ClassVar[Mapping[str, str]]
    """The arguments that must not be pickled, and where their values may come from instead."""

    def _connect(
        self, config: Config, dialect: Dialect, shared: Shared, given: dict[str, Any], *, debug: bool, http_client: Any
    ) -> None:
        """Become ready to send; ``given`` are the arguments, without secrets and limits, that make the same client once more."""
        set_up_logging(debug=debug)
        from vantage_sdk.core.io.settings import connection_settings

        chosen = {name: given[name] for name in ("verify", "proxy", "trust_env", "max_connections")}
        settings = connection_settings(config.base_url, **chosen, cert=config.cert)
        io = self._open(settings, _made_at(), http_client)
        self._given = {**given, "http_client": http_client}
        self._adopt(Sender(io, config, dialect, shared))

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
        call; ``max_retry_wait``: the longest wait that a server may ask for before the call gives up; ``organization``: its id,
        of a client of Vantage.  Raises ``ConfigError`` for a value that makes no sense, ``TypeError`` for another name.
        """
        if unknown := changes.keys() - {*self._changeable}:
            raise TypeError(f"with_options takes no {', '.join(sorted(unknown))}")
        old = self._sender
        twin = type(self).__new__(type(self))
        twin._given = {**self._given, **{name: value for name, value in changes.items() if name in self._given}}
        twin._adopt(Sender(old.io, old.config.altered(**changes), old.dialect, old.shared))
        return twin

    def _spelled(self, verb: str, path: str, options: dict[str, Any]) -> Any:
        from vantage_sdk.core.endpoint import Endpoint

        raw: Any = RawSync if self._face is Sync else RawAsync
        return Endpoint(self._sender, raw).request(verb.upper(), path, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.base_url}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; key and base URL are found anew, together, where the client is unpickled."""
        config, given = self.config, self._given
        for name, place in self._secrets.items():
            if config.sources.get(name) == "argument":
                raise TypeError(
                    f"a client made with {name}= cannot be pickled, because the key would be in the pickle; "
                    f"make the client where it is used, or {place} there"
                )
        if given["http_client"] is not None or not isinstance(given["verify"], str | None):
            raise TypeError(
                "a client made with http_client= or an SSLContext cannot be pickled; make it where it is used"
            )
        limits = {name: getattr(config, name) for name in LIMITS}
        return _renewed, (type(self), {**given, **limits})


class BlockingClient(Client):
    """A client whose methods block."""

    _face = Sync

    def _open(self, settings: Settings, made_at: str, http_client: httpx.Client | None) -> Any:
        from vantage_sdk.core.io.blocking import BlockingIO

        _check_kind(http_client, "Client")
        return BlockingIO(settings, made_at, http_client)

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


class AsyncClient(Client):
    """A client whose methods are awaited, on asyncio and trio."""

    _face = Async

    def _open(self, settings: Settings, made_at: str, http_client: httpx.AsyncClient | None) -> Any:
        from vantage_sdk.core.io.asynchronous import AnyIO

        _check_kind(http_client, "AsyncClient")
        return AnyIO(settings, made_at, http_client)

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
