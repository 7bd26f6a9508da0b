"""How the job service speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from mock_server.auth import Credential
from mock_server.dialect import Dialect, RatePolicy

if TYPE_CHECKING:
    from mock_server.errors import ApiError

MINUTE = 60.0


class ErrorDetail(TypedDict):
    """What is wrong with one field."""

    field: str
    message: str


class JobServiceErrorBody(TypedDict):
    """What went wrong."""

    code: str
    message: str
    details: list[ErrorDetail]
    request_id: str


class JobServiceError(TypedDict):
    """The one form of every refusal."""

    error: JobServiceErrorBody


def error_body(error: ApiError, code: str, request_id: str, _: float) -> dict[str, Any]:
    """Render a refusal; ``details`` has the fields that are at fault, if any are."""
    details = error.details or {}
    faults = details.get("errors") or ([{**details, "message": error.message}] if "field" in details else [])
    shown = [{"field": fault["field"], "message": fault["message"]} for fault in faults]
    return {"error": {"code": code, "message": error.message, "details": shown, "request_id": request_id}}


JOBSERVICE = Dialect(
    name="jobservice",
    title="Job service REST API",
    prefix="/api/v1",
    mount="/jobservice",
    hosts=("api.your-domain.com",),
    nouns=frozenset({"jobs", "queues", "clusters", "metrics", "health"}),
    codes={
        400: "VALIDATION_ERROR",
        401: "UNAUTHORIZED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        409: "CONFLICT",
        413: "VALIDATION_ERROR",
        415: "VALIDATION_ERROR",
        429: "RATE_LIMITED",
        431: "VALIDATION_ERROR",
        500: "INTERNAL_ERROR",
        503: "SERVICE_UNAVAILABLE",
    },
    rate=RatePolicy(limit=600, window=MINUTE),
    rates={
        "jobs_create": RatePolicy(limit=100, window=MINUTE, name="create"),
        "jobs_list": RatePolicy(limit=300, window=MINUTE, name="list"),
    },
    credentials=(Credential("<token>"),),
    error_body=error_body,
    error_model=JobServiceError,
    security={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    in_capitals=True,
)
