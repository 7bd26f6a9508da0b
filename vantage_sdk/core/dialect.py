"""How API families spell the same ideas: where they live, how often they may be asked, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from vantage_sdk.core.scrub import printable
from vantage_sdk.core.shapes import as_object
from vantage_sdk.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    DataExpiredError,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
    VantageAPIError,
)

_BY_STATUS: dict[int, type[VantageAPIError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: AuthorizationError,
    404: ResourceNotFoundError,
    409: ConflictError,
    422: ValidationError,
    429: RateLimitError,
}
_BY_CODE: dict[tuple[int, str | None], type[VantageAPIError]] = {(404, "DATA_EXPIRED"): DataExpiredError}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API family: the path prefix below the base URL, its other spelling, the seconds of its rate window.

    A base URL that ends in ``alias`` keeps it.  The window is for a family that counts requests but whose refusals do not say
    how long to wait.
    """

    name: str
    prefix: str
    alias: str | None = None
    window: float | None = None


PLATFORM = Dialect("platform", "/v1")
WORKFLOWS = Dialect("workflows", "/api/v1", window=60.0)
JOBSERVICE = Dialect("jobservice", "/api/v1")
S9S = Dialect("s9s", "/v1", alias="/api/v1")


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whichever family sent it."""

    code: str | None
    message: str
    details: Any = None
    request_id: str | None = None

    @classmethod
    def parse(cls, body: Any, status: int, text: str) -> Fault:
        """Read any family's error body: ``error`` is a code in one and an object in three; else keep status and text."""
        said = as_object(body) or {}
        if said.get("error") is None:
            return cls(None, printable(text).strip()[:200] or reason(status))
        error = as_object(said["error"]) or {**said, "code": said["error"]}
        found = error.get("request_id") or (as_object(said.get("meta")) or {}).get("request_id")
        code, message = error.get("code"), error.get("message") or error.get("error_description")
        return cls(
            code=None if code is None else str(code),
            message=printable(str(message))[:2000] if message else reason(status),
            details=error.get("details"),
            request_id=None if found is None else str(found),
        )


def reason(status: int) -> str:
    """Return the standard phrase for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"


def error_class(status: int, code: str | None = None) -> type[VantageAPIError]:
    """Return the class of error for an HTTP status, which the server's code may narrow down."""
    if status >= 500:
        return ServerError
    return _BY_CODE.get((status, code)) or _BY_STATUS.get(status, VantageAPIError)
