"""How the S9S family speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from mock_server.auth import Credential
from mock_server.dialect import Dialect, RatePolicy
from mock_server.wire import iso

if TYPE_CHECKING:
    from mock_server.errors import ApiError

HOUR = 3600.0
OAUTH_CLIENTS = {"your_client_id": "your_client_secret"}
"""The clients of the documented examples."""

ANONYMOUS = Credential("")
"""Who callers without credentials are on a server that lets them in."""


class S9SErrorBody(TypedDict):
    """What went wrong."""

    code: str
    message: str
    details: dict[str, Any]
    request_id: str
    timestamp: str


class S9SError(TypedDict):
    """The one form of every refusal."""

    error: S9SErrorBody


def error_body(error: ApiError, code: str, request_id: str, now: float) -> dict[str, Any]:
    """Render a refusal; of what is not there, the kind and the id."""
    details, message = error.details or {}, error.message
    if "resource" in details:
        kind, key = details["resource"], details["id"]
        details = {"resource_type": kind, "resource_id": key}
        message = f"{kind.capitalize()} {key[:200]} not found"
    body = {"code": code, "message": message, "details": details, "request_id": request_id, "timestamp": iso(now)}
    return {"error": body}


S9S = Dialect(
    name="s9s",
    title="S9S REST API",
    prefix="/v1",
    mount="/s9s",
    hosts=("your-s9s-instance.com", "api.example.com", "api-test.example.com"),
    aliases=("/api/v1",),
    by_path=False,
    codes={
        400: "VALIDATION_ERROR",
        401: "AUTHENTICATION_FAILED",
        403: "PERMISSION_DENIED",
        404: "RESOURCE_NOT_FOUND",
        405: "METHOD_NOT_ALLOWED",
        409: "RESOURCE_CONFLICT",
        412: "RESOURCE_CONFLICT",
        413: "INVALID_REQUEST",
        415: "INVALID_REQUEST",
        416: "INVALID_REQUEST",
        429: "RATE_LIMIT_EXCEEDED",
        431: "INVALID_REQUEST",
        500: "INTERNAL_ERROR",
        503: "SERVICE_UNAVAILABLE",
    },
    rate=RatePolicy(limit=1000, window=HOUR, announced=True),
    tiers={
        "pro": RatePolicy(limit=10_000, window=HOUR, announced=True),
        "enterprise": RatePolicy(limit=None, window=HOUR),
    },
    credentials=(
        Credential("YOUR_TOKEN"),
        Credential("YOUR_API_KEY"),
        Credential("ACCESS_TOKEN"),
        Credential("TOKEN"),
        Credential("your_token_here"),
        Credential("test_token_123"),
        Credential("read-only-token", can_write=False),
    ),
    error_body=error_body,
    error_model=S9SError,
    in_capitals=True,
    malformed="INVALID_REQUEST",
    scheduler="SLURM_ERROR",
    security={
        "bearer": {"type": "http", "scheme": "bearer"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}}},
        "certificate": {"type": "mutualTLS"},
    },
)
