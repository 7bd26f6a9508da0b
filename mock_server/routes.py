"""The declarative route table: a view module lists its endpoints, everything else is derived from them.

An endpoint is a coroutine function with one parameter, ``call: Call[Query, Body]``.  The annotation says which models
check the query string and the body (``None`` for nothing), the return annotation describes the answer: a ``TypedDict``,
``None`` for an empty answer, or ``Response`` (also in a union) for anything that is not JSON.
"""

from __future__ import annotations

import re
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pydantic import BaseModel
    from starlette.requests import Request

    from mock_server.auth import Credential
    from mock_server.dialect import Dialect
    from mock_server.state import ServerState

Query = TypeVar("Query")
Body = TypeVar("Body")


@dataclass(slots=True)
class Call(Generic[Query, Body]):
    """One checked request on its way through a handler.

    A handler that shows an active job says so, because a caller who polls is waiting for time to pass.
    """

    request: Request
    state: ServerState
    family: Family
    credential: Credential
    path: dict[str, str]
    query: Query
    body: Body
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
    body: type[BaseModel] | None
    answer: Any
    status: int
    summary: str
    assumed: bool
    public: bool
    media: tuple[str, ...]
    conflicts: bool
    headers: tuple[HeaderParameter, ...]
    pattern: re.Pattern[str]

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def keyed(self) -> bool:
        """Whether the endpoint honours an idempotency key."""
        return self.method in ("POST", "PATCH")


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    """A request header that an endpoint reads, for the description of the API."""

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


class Routes:
    """Collects the endpoints of one view module."""

    def __init__(self, tag: str, prefix: str) -> None:
        self.tag = tag
        self.prefix = prefix
        self.endpoints: list[Endpoint] = []

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        return self.add("POST", path, **options)

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
        headers: Sequence[HeaderParameter] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated coroutine function as the handler of ``method path``.

        ``assumed`` marks what no document promises, ``public`` needs no credentials, ``media`` lists further content
        types of the answer, ``conflicts`` says that a 409 is possible.
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
                    headers=tuple(headers),
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


def _signature(handler: Callable[..., object]) -> tuple[type[BaseModel] | None, type[BaseModel] | None, Any]:
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
    escaped = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(escaped + "/?")
