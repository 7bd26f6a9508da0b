"""Write a resource method once, as a coroutine; ``Jobs[Sync]`` blocks, ``Jobs[Async]`` awaits.

Rule 1: a body sees an asynchronous resource as ``self``, whichever face the caller uses.
Rule 2: a body does no I/O but through ``self``; so nothing in it suspends behind a blocking client.
Rule 3: the body of a stream yields batches; callers see the items.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from copy import copy
from functools import cached_property, update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, cast, overload

from typing_extensions import TypeVar

from vantage_sdk.core.answer import Answer, RawResponse
from vantage_sdk.core.deadline import Deadline
from vantage_sdk.core.live import AsyncLiveStream, LiveStream, Source
from vantage_sdk.core.recorder import Recorder
from vantage_sdk.core.stepping import AsyncStream, Stream, run

if TYPE_CHECKING:
    from vantage_sdk.core.request import CallOptions, Request
    from vantage_sdk.core.sending import Sender

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
A = TypeVar("A")


class Sync:
    """Marks a resource whose methods block."""


class Async:
    """Marks a resource whose methods return coroutines."""


class RawSync:
    """Marks a resource whose methods block and return a ``RawResponse``."""


class RawAsync:
    """Marks a resource whose methods return coroutines of a ``RawResponse``."""


Mode = TypeVar("Mode", bound=Sync | Async | RawSync | RawAsync, default=Sync)


class Resource(Generic[Mode]):
    """A family's endpoints for one noun."""

    def __init__(self, sender: Sender, mode: type[Mode]) -> None:
        self._sender = sender
        self._mode: type[Any] = mode
        self._core: Any = self if mode is Async else type(self)(sender, cast("Any", Async))

    async def _send(self, request: Request[T], options: CallOptions | Mapping[str, Any]) -> T:
        return self._sender.decode(request, await self._sender.fetch(request, options))

    def _recorded_by(self, recorder: Recorder) -> Any:
        twin = copy(self._core)
        twin._core, twin._sender = twin, recorder
        return twin

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sender.config.base_url}>"


class ResourceSet(Resource[Mode]):
    """What a client offers, in one of its faces: a resource for each noun of its families, and what belongs to none.

    A set with methods of its own has ``_core``, the same in the asynchronous face.
    """

    def __init__(self, sender: Sender, mode: type[Mode]) -> None:
        self._sender = sender
        self._mode = mode


class _Keywords:
    """The keywords that a method takes: type checkers know them from ``Unpack[...]``, the interpreter does not."""

    def __init__(self, body: Callable[..., Any]) -> None:
        self._body = body

    @cached_property
    def names(self) -> frozenset[str]:
        code = self._body.__code__
        named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        unpacked = next((a for a in self._body.__annotations__.values() if str(a).startswith("Unpack[")), "")
        options = self._body.__globals__.get(str(unpacked).removeprefix("Unpack[").removesuffix("]"))
        return frozenset(named[1:]) | frozenset(getattr(options, "__annotations__", ()))

    def check(self, given: dict[str, Any]) -> None:
        """Raise ``TypeError`` for a keyword that the method does not take; an unknown filter must not widen a list."""
        for name in given.keys() - self.names:
            from difflib import get_close_matches

            close = get_close_matches(name, self.names, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"{self._body.__name__}() takes no keyword {name!r}{hint}")


def _begin(resource: Resource[Any], keywords: _Keywords, options: dict[str, Any]) -> dict[str, Any]:
    """Check the keywords, and start the clock of the outermost call: calls inside it get a deadline that runs already."""
    if options:
        keywords.check(options)
    budget = options.get("deadline", resource._sender.config.deadline)
    if budget is not None:
        options["deadline"] = Deadline.after(budget)
    return options


class _Dual:
    """Picks the face of a method by the mode of the resource it is read from."""

    _faces: dict[type[Any], Callable[..., Any]]
    _body: Callable[..., Any]

    def _bind(self, obj: Any) -> Any:
        if obj is None:
            return self._body
        try:
            face = self._faces[obj._mode]
        except KeyError:
            raise TypeError(f"{self._body.__qualname__} streams its answer, so it has no raw form") from None
        return MethodType(face, obj)


class method(_Dual, Generic[P, T]):  # noqa: N801  used as a decorator
    """A coroutine method that a blocking client runs to completion."""

    def __init__(self, body: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        keywords = _Keywords(body)

        def blocking(self: Any, /, *args: Any, **options: Any) -> T:
            return run(body(self._core, *args, **_begin(self, keywords, options)))

        def awaiting(self: Any, /, *args: Any, **options: Any) -> Coroutine[Any, Any, T]:
            return body(self._core, *args, **_begin(self, keywords, options))

        async def raw(self: Any, args: Any, options: Any) -> RawResponse[T]:
            recorder = Recorder(self._sender)
            data = await body(self._recorded_by(recorder), *args, **_begin(self, keywords, options))
            last = recorder.last or Answer(0, {}, b"")
            return RawResponse(data, last.status, last.headers, last.body, last.attempts, last.elapsed)

        def raw_blocking(self: Any, /, *args: Any, **options: Any) -> RawResponse[T]:
            return run(raw(self, args, options))

        def raw_awaiting(self: Any, /, *args: Any, **options: Any) -> Coroutine[Any, Any, RawResponse[T]]:
            return raw(self, args, options)

        faces = {Sync: blocking, Async: awaiting, RawSync: raw_blocking, RawAsync: raw_awaiting}
        self._faces = {mode: update_wrapper(face, body) for mode, face in faces.items()}
        self._body = body
        self.__doc__ = body.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Callable[..., Any]: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, obj: Resource[RawSync], owner: Any) -> Callable[P, RawResponse[T]]: ...
    @overload
    def __get__(self, obj: Resource[RawAsync], owner: Any) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]: ...
    def __get__(self, obj: Any, owner: Any) -> Any:
        return self._bind(obj)


class stream(_Dual, Generic[P, T]):  # noqa: N801  used as a decorator
    """An async-generator method of batches that a blocking client steps item by item."""

    def __init__(self, body: Callable[Concatenate[Any, P], AsyncGenerator[Sequence[T], None]]) -> None:
        keywords = _Keywords(body)

        def blocking(self: Any, /, *args: Any, **options: Any) -> Stream[T]:
            return Stream(body(self._core, *args, **_begin(self, keywords, options)))

        def awaiting(self: Any, /, *args: Any, **options: Any) -> AsyncStream[T]:
            return AsyncStream(body(self._core, *args, **_begin(self, keywords, options)))

        faces = {Sync: blocking, Async: awaiting}
        self._faces = {mode: update_wrapper(face, body) for mode, face in faces.items()}
        self._body = body
        self.__doc__ = body.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Callable[..., Any]: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> Callable[P, Stream[T]]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> Callable[P, AsyncStream[T]]: ...
    def __get__(self, obj: Any, owner: Any) -> Any:
        return self._bind(obj)


class live(_Dual, Generic[P, T]):  # noqa: N801  used as a decorator
    """A method that returns a live stream; its body, no coroutine, returns what the stream draws from."""

    def __init__(self, body: Callable[Concatenate[Any, P], Source[T]]) -> None:
        keywords = _Keywords(body)

        def blocking(self: Any, /, *args: Any, **options: Any) -> LiveStream[T]:
            return LiveStream(body(self._core, *args, **_begin(self, keywords, options)))

        def awaiting(self: Any, /, *args: Any, **options: Any) -> AsyncLiveStream[T]:
            return AsyncLiveStream(body(self._core, *args, **_begin(self, keywords, options)))

        faces = {Sync: blocking, Async: awaiting}
        self._faces = {mode: update_wrapper(face, body) for mode, face in faces.items()}
        self._body = body
        self.__doc__ = body.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Callable[..., Any]: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> Callable[P, LiveStream[T]]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> Callable[P, AsyncLiveStream[T]]: ...
    def __get__(self, obj: Any, owner: Any) -> Any:
        return self._bind(obj)


class opening(_Dual, Generic[S, A]):  # noqa: N801  used as a decorator
    """A coroutine method that gives each face an object of its own; ``S`` and ``A`` are the types of the two methods."""

    def __init__(self, body: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        keywords = _Keywords(body)

        def awaiting(self: Any, /, *args: Any, **options: Any) -> Coroutine[Any, Any, Any]:
            keywords.check(options)  # a deadline begins anew with each call of the object
            return body(self._core, *args, **options)

        def blocking(self: Any, /, *args: Any, **options: Any) -> Any:
            return run(awaiting(self, *args, **options))

        self._faces = {Sync: update_wrapper(blocking, body), Async: update_wrapper(awaiting, body)}
        self._body = body
        self.__doc__ = body.__doc__

    @overload
    def __get__(self, obj: None, owner: Any) -> Callable[..., Any]: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: Any) -> S: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: Any) -> A: ...
    def __get__(self, obj: Any, owner: Any) -> Any:
        return self._bind(obj)
