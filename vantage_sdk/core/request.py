"""One HTTP call as immutable data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

from vantage_sdk.core.answer import Answer
from vantage_sdk.core.deadline import Deadline, Seconds

if TYPE_CHECKING:
    from vantage_sdk.core.credentials import Grant
    from vantage_sdk.core.io.port import Body
    from vantage_sdk.core.urls import Origin

T = TypeVar("T")
Decode = Callable[[Answer], T]


class Safety(Enum):
    """What repeating a call that may already have arrived would do."""

    IDEMPOTENT = "nothing more than the first time"
    KEYED = "the work again, unless the server honours the idempotency key"


class CallOptions(TypedDict, total=False):
    """Options that every method takes.

    ``timeout``: seconds (or a ``timedelta``) for one attempt, ``None`` for no limit; default the client's.
    ``deadline``: seconds for the whole call: attempts, sleeps, further pages and waiting together.
    ``max_retries``: attempts after the first; default the client's.
    ``extra_headers``: sent with the request; they cannot replace the credential.
    """

    timeout: Seconds | None
    deadline: Seconds | Deadline | None
    max_retries: int
    extra_headers: Mapping[str, str]


class WaitOptions(TypedDict, total=False):
    """Options of methods that wait and have a ``timeout`` of their own; the meaning is that of ``CallOptions``."""

    deadline: Seconds | Deadline | None
    max_retries: int
    extra_headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """What to send and how to read the answer; ``path`` is a template below the family's prefix, or below the server if ``rooted``.

    ``content`` is a body that is no JSON; ``bulk`` says that many bytes are to come or to go, so that only silence is timed;
    ``anonymous`` keeps the credential out; ``grant`` is what a request for a token shows instead.  With ``origin``, the path is
    that of any place there; on another server than the client's nothing goes along that tells who asks.  ``roams`` lets a
    redirect lead to such a place.  A status in ``also`` is no error unless the body has an ``error``.
    """

    method: str
    path: str
    decode: Decode[T]
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    json: Any = None
    content: bytes | Body = b""
    bulk: bool = False
    safety: Safety = Safety.IDEMPOTENT
    idempotency_key: str | None = None
    accept: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    rooted: bool = False
    anonymous: bool = False
    origin: Origin | None = None
    roams: bool = False
    grant: Grant | None = None
    also: frozenset[int] = frozenset()

    def is_for(self, home: Origin) -> bool:
        """Tell whether the request goes to the client's own server, ``home``."""
        return self.origin is None or self.origin == home
