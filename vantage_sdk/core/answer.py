"""What came back from the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from vantage_sdk.exceptions import Attempt

T = TypeVar("T")


@dataclass(slots=True)
class Answer:
    """A whole HTTP answer: header names in lower case, body decoded from its transfer and content encoding."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path: str = ""
    idempotency_key: str | None = None
    max_attempts: int = 1
    query: Mapping[str, Any] | None = None
    attempts: tuple[Attempt, ...] = ()
    elapsed: float = 0.0

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id")


@dataclass(frozen=True, slots=True)
class RawResponse(Generic[T]):
    """The HTTP side of a call beside what the call returned.

    ``status_code`` and ``headers`` (names in lower case) are those of the last answer, ``content`` its body; ``attempts``
    lists the tries that failed before it; ``elapsed`` is in seconds and includes retries and their waits.  A call that got
    no answer because it had nothing to ask, or reports failures as part of its data, has status 0.
    """

    data: T
    status_code: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    attempts: tuple[Attempt, ...]
    elapsed: float

    @property
    def request_id(self) -> str | None:
        """Return the server's id of the request."""
        return self.headers.get("x-request-id")
