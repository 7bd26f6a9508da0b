"""What the server was asked and how it answered, without secrets."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

CAPACITY = 1_000
MAX_VALUE = 1_024
SECRET_PARAMETERS = frozenset({"token", "access_token"})
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


@dataclass(slots=True, eq=False)
class Record:
    """One request; ``status`` is ``None`` until an answer has begun, ``fault`` names what was done to it."""

    sequence: int
    at: float
    request_id: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body_size: int = 0
    status: int | None = None
    fault: str | None = None
    idempotency_key: str | None = None
    replayed: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Journal:
    """The latest records, oldest first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._records: deque[Record] = deque(maxlen=capacity)
        self._count = 0

    def open(self, *, at: float, request_id: str, method: str, path: str, query: str, headers: Headers) -> Record:
        """Begin the record of a request that just arrived."""
        self._count += 1
        record = Record(
            self._count, at, request_id, method, path[:MAX_VALUE], _masked_query(query[:MAX_VALUE]), _masked(headers)
        )
        self._records.append(record)
        return record

    def records(self) -> list[Record]:
        return list(self._records)

    def clear(self) -> None:
        self._records.clear()


if TYPE_CHECKING:
    Headers = Iterable[tuple[bytes, bytes]]


def _masked_query(query: str) -> str:
    parts = (part.partition("=") for part in query.split("&"))
    return "&".join(
        f"{name}=***" if unquote_plus(name).lower() in SECRET_PARAMETERS else name + equals + value
        for name, equals, value in parts
    )


def _masked(headers: Headers) -> list[tuple[str, str]]:
    texts = ((name.decode("latin-1").lower(), value.decode("latin-1")[:MAX_VALUE]) for name, value in headers)
    return [(name, "***" if name in SECRET_HEADERS else value) for name, value in texts]
