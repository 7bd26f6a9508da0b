"""One test body for the blocking client, asyncio and trio.

A test is an ``async def`` that asks for the fixture ``face`` and awaits everything.  Behind the blocking face the same calls
return at once, so the body is stepped to its end without an event loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import trio

from vantage_sdk import (
    AsyncJobServiceClient,
    AsyncS9SClient,
    AsyncVantageClient,
    JobServiceClient,
    S9SClient,
    VantageClient,
)
from vantage_sdk.core.resource import Resource, live, method, opening, stream
from vantage_sdk.core.stepping import run
from vantage_sdk.workflows.result import WorkflowResult

FACES = ("blocking", "asyncio", "trio")


class AwaitableStream:
    """A blocking stream that reads like an asynchronous one."""

    def __init__(self, items: Any) -> None:
        self._items = items

    async def _walk(self) -> AsyncGenerator[Any, None]:
        for item in self._items:
            yield item

    def __aiter__(self) -> AsyncGenerator[Any, None]:
        return self._walk()

    async def __anext__(self) -> Any:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self._items.close()

    async def __aenter__(self) -> AwaitableStream:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._items.close()


class AwaitableLive:
    """A blocking live stream that reads like an asynchronous one."""

    def __init__(self, live: Any) -> None:
        self.blocking = live

    def __aiter__(self) -> AwaitableLive:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self.blocking)
        except StopIteration:
            raise StopAsyncIteration from None

    async def poll(self, timeout: Any = 0.0) -> Any:
        return self.blocking.poll(timeout)

    @property
    def ended(self) -> bool:
        return bool(self.blocking.ended)

    async def aclose(self) -> None:
        self.blocking.close()

    async def __aenter__(self) -> AwaitableLive:
        self.blocking.__enter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.blocking.close()


class AwaitableFile:
    """A blocking file object that reads like an asynchronous one."""

    def __init__(self, file: Any) -> None:
        self.blocking = file

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.blocking, {"aclose": "close"}.get(name, name))
        if not callable(value):
            return value

        async def awaited(*args: Any) -> Any:
            return value(*args)

        return awaited

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        for line in self.blocking:
            yield line

    async def __aenter__(self) -> AwaitableFile:
        self.blocking.__enter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.blocking.__exit__(*exc)


class AwaitableResource:
    """A blocking resource whose methods return coroutines that are done at once."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._resource, name)
        kind = inspect.getattr_static(type(self._resource), name)
        if isinstance(kind, property) or inspect.isfunction(kind):
            return call
        if isinstance(kind, stream):
            return lambda *args, **options: AwaitableStream(call(*args, **options))
        if isinstance(kind, live):
            return lambda *args, **options: AwaitableLive(call(*args, **options))
        assert isinstance(kind, method | opening), name

        async def awaited(*args: Any, **options: Any) -> Any:
            answer = call(*args, **options)
            if isinstance(answer, WorkflowResult):
                return AwaitableResource(answer)
            return AwaitableFile(answer) if isinstance(kind, opening) else answer

        return awaited


class AwaitableNouns:
    """The resources of a blocking client, or of its raw form."""

    def __init__(self, owner: Any) -> None:
        self.blocking = owner

    def __getattr__(self, name: str) -> Any:
        if isinstance(inspect.getattr_static(type(self.blocking), name, None), method | stream | opening):
            return getattr(AwaitableResource(self.blocking), name)
        value = getattr(self.blocking, name)
        return AwaitableResource(value) if isinstance(value, Resource) else value


class AwaitableClient(AwaitableNouns):
    """A blocking client that reads like an asynchronous one."""

    @property
    def with_raw(self) -> Any:
        return AwaitableNouns(self.blocking.with_raw)

    def with_options(self, **changes: Any) -> AwaitableClient:
        return AwaitableClient(self.blocking.with_options(**changes))

    async def request(self, *args: Any, **options: Any) -> Any:
        return self.blocking.request(*args, **options)

    async def aclose(self) -> None:
        self.blocking.close()

    async def __aenter__(self) -> AwaitableClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.blocking.close()


class Face:
    """One of the three ways to use the SDK."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_blocking(self) -> bool:
        return self.name == "blocking"

    def client(self, base_url: str, **settings: Any) -> Any:
        return self._made(VantageClient, AsyncVantageClient, base_url, {"api_key": "your-api-key", **settings})

    def job_service(self, base_url: str, **settings: Any) -> Any:
        return self._made(JobServiceClient, AsyncJobServiceClient, base_url, {"token": "your-token", **settings})

    def s9s(self, base_url: str, **settings: Any) -> Any:
        """Return a client of S9S, whose token is a usual one unless ``settings`` have another credential."""
        other = {"api_key", "client_id", "cert"} & settings.keys()
        return self._made(
            S9SClient, AsyncS9SClient, base_url, ({} if other else {"token": "your_token_here"}) | settings
        )

    def _made(self, blocking: Any, asynchronous: Any, base_url: str, settings: dict[str, Any]) -> Any:
        settings = {"trust_env": False, **settings}
        if self.is_blocking:
            return AwaitableClient(blocking(base_url=base_url, **settings))
        return asynchronous(base_url=base_url, **settings)

    def run(self, body: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self.is_blocking:
            run(body())
        elif self.name == "asyncio":
            asyncio.run(body())
        else:
            trio.run(body)
