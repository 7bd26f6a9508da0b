"""The declarative route table: a view module lists its endpoints, everything else is derived from them.

An endpoint is a coroutine function with one parameter, ``call: Call[Query, Body]``.  The annotation says which models
check the query string and the body (``None`` for nothing, a ``StreamBody`` for what is not JSON), the return annotation describes
the answer: a ``TypedDict``, ``None`` for an empty answer, or ``Response`` (also in a union) for anything that is not JSON.
"""

from __future__ import annotations

import re
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from starlette.responses import Response

from mock_server.bodies import StreamBody

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from pydantic import BaseModel
    from starlette.requests import Request

    from mock_server.auth import Credential
    from mock_server.dialect import Dialect
    from mock_server.faults import Rule
    from mock_server.state import ServerState

READING = frozenset({"GET", "HEAD", "OPTIONS"})

Query = TypeVar("Query")
Body = TypeVar("Body")


@dataclass(slots=True)
class Call(Generic[Query, Body]):
    """One checked request on its way through a handler.

    ``mount`` is the prefix in front of the documented paths that the caller used; links in an answer begin with it.
    A handler that shows an active job says so, because a caller who polls is waiting for time to pass.
    """

    request: Request
    state: ServerState
    family: Family
    credential: Credential
    path: Mapping[str, str]
    query: Query
    body: Body
    fault: Rule | None = None
    mount: str = ""
    idempotency_key: str | None = None
    saw_active_job: bool = False


Handler = TypeVar("Handler", bound="Callable[[Any], Awaitable[object]]")


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One method of one path."""

    id: str
    method: str
    path: str
    tag: str
    handler: Callable[[Any], Awaitable[object]]
    query: type[BaseModel] | None
    body: type[BaseModel | StreamBody] | None
    answer: Any
    status: int
    summary: str
    assumed: bool
    public: bool
    media: tuple[str, ...]
    conflicts: bool
    refusals: tuple[int, ...]
    partial: bool
    headers: tuple[HeaderParameter, ...]
    scope: str | None
    session: bool
    bare: bool
    optional_body: bool
    socket: bool
    degraded: bool
    pattern: re.Pattern[str]

    @property
    def writes(self) -> bool:
        return self.method not in READING

    @property
    def keyed(self) -> bool:
        """Whether the endpoint honours an idempotency key."""
        return self.method in ("POST", "PATCH") and (self.stream is None or self.stream.keyed)

    @property
    def stream(self) -> type[StreamBody] | None:
        """The body, if it is not JSON."""
        return self.body if self.body is not None and issubclass(self.body, StreamBody) else None


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    """A request header that an endpoint reads, for the description of the API."""

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


class Routes:
    """Collects the endpoints of one view module."""

    def __init__(self, tag: str, prefix: str) -> None:
        self.tag = tag
        self.prefix = prefix
        self.endpoints: list[Endpoint] = []

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("GET", path, **options)

    def head(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("OPTIONS", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("DELETE", path, **options)

    def add(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        assumed: bool = False,
        public: bool = False,
        media: Sequence[str] = (),
        conflicts: bool = False,
        refusals: Sequence[int] = (),
        partial: bool = False,
        headers: Sequence[HeaderParameter] = (),
        scope: str | None = None,
        session: bool = False,
        bare: bool = False,
        optional_body: bool = False,
        socket: bool = False,
        degraded: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated coroutine function as the handler of ``method path``.

        ``assumed`` marks what no document promises, ``public`` needs no credentials, ``media`` lists further content
        types of the answer, ``conflicts`` says that a 409 is possible, ``refusals`` lists further statuses,
        ``partial`` says that the answer may be a part of it (206), ``scope`` is what the key must allow, ``session`` lets a
        cookie take the place of a key, ``bare`` keeps the parts of the answer at the top of the family's envelope,
        ``optional_body`` takes no body for an empty object, ``degraded`` says that the same answer may come as a 503,
        ``socket`` answers handshakes of WebSockets.
        """

        def declare(handler: Handler) -> Handler:
            query, body, answer = _signature(handler)
            self.endpoints.append(
                Endpoint(
                    id=f"{self.tag}_{handler.__name__.removesuffix('_')}",
                    method=method,
                    path=self.prefix + path,
                    tag=self.tag,
                    handler=handler,
                    query=query,
                    body=body,
                    answer=answer,
                    status=status or (204 if answer is None else 200),
                    summary=(handler.__doc__ or handler.__name__).strip().splitlines()[0].rstrip("."),
                    assumed=assumed,
                    public=public,
                    media=tuple(media),
                    conflicts=conflicts,
                    refusals=tuple(refusals),
                    partial=partial,
                    headers=tuple(headers),
                    scope=scope,
                    session=session,
                    bare=bare,
                    optional_body=optional_body,
                    socket=socket,
                    degraded=degraded,
                    pattern=_pattern(self.prefix + path),
                )
            )
            return handler

        return declare


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A dialect with everything that speaks it."""

    dialect: Dialect
    endpoints: tuple[Endpoint, ...]


def _signature(
    handler: Callable[..., object],
) -> tuple[type[BaseModel] | None, type[BaseModel | StreamBody] | None, Any]:
    hints = get_type_hints(handler)
    query, body = (None if model is types.NoneType else model for model in get_args(hints["call"]))
    return query, body, _json_part(hints["return"])


def _json_part(answer: Any) -> Any:
    """Return the JSON member of a return annotation, ``None`` if there is none."""
    if get_origin(answer) in (Union, types.UnionType):
        members = [member for member in get_args(answer) if member is not Response]
        return members[0] if members else None
    return None if answer in (Response, types.NoneType) else answer


def _pattern(path: str) -> re.Pattern[str]:
    escaped = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path.rstrip("/")))
    return re.compile(escaped + "/?")
