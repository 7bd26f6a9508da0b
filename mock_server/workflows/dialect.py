"""How the workflows family speaks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import TypedDict

from mock_server.dialect import Dialect, RatePolicy
from mock_server.validation import EPOCH

if TYPE_CHECKING:
    from mock_server.errors import ApiError


class ErrorBody(TypedDict):
    """What went wrong."""

    code: str
    message: str


class Meta(TypedDict):
    """Names the answer, and says when it was made."""

    request_id: str
    timestamp: str


class WorkflowsError(TypedDict):
    """The one form of every refusal."""

    success: Literal[False]
    error: ErrorBody
    meta: Meta


def stamp(instant: float) -> str:
    """Return an instant as this family spells it: ISO 8601 in UTC with milliseconds."""
    moment = EPOCH + timedelta(milliseconds=round(instant * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_or_none(instant: float | None) -> str | None:
    return None if instant is None else stamp(instant)


def error_body(error: ApiError, code: str, request_id: str, now: float) -> dict[str, Any]:
    """Render a refusal."""
    return {
        "success": False,
        "error": {"code": code, "message": error.message},
        "meta": {"request_id": request_id, "timestamp": stamp(now)},
    }


class Wrapping:
    """``success``, the data (or, of bare answers, its parts) and ``meta``."""

    def wrap(self, answer: Any, request_id: str, now: float, *, bare: bool) -> dict[str, Any]:
        meta = {"request_id": request_id, "timestamp": stamp(now)}
        return {"success": True, **(answer if bare else {"data": answer}), "meta": meta}

    def schema(self, answer: dict[str, Any], *, bare: bool) -> dict[str, Any]:
        own: dict[str, Any] = {"success": {"const": True}, "meta": {"$ref": "#/components/schemas/Meta"}}
        if bare:
            return {"allOf": [answer, {"type": "object", "required": [*own], "properties": own}]}
        return {"type": "object", "required": [*own, "data"], "properties": {**own, "data": answer}}


WORKFLOWS = Dialect(
    name="workflows",
    title="Vantage workflows REST API",
    prefix="/api/v1",
    mount="/workflows",
    hosts=("your-vantage-instance.com", "your-instance.com", "api.vantage.omnivector.solutions"),
    codes={
        400: "INVALID_INPUT",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        409: "CONFLICT",
        413: "INVALID_BODY",
        415: "INVALID_BODY",
        429: "RATE_LIMITED",
        431: "INVALID_INPUT",
        500: "INTERNAL_ERROR",
        503: "SERVICE_UNAVAILABLE",
    },
    rate=RatePolicy(limit=60, window=60.0),
    credentials=(),
    error_body=error_body,
    error_model=WorkflowsError,
    in_capitals=True,
    malformed="INVALID_BODY",
    envelope=Wrapping(),
    open_to_browsers=True,
)
