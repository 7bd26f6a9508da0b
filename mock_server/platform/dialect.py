"""How the platform family speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired

from typing_extensions import TypedDict

from mock_server.auth import Credential
from mock_server.dialect import Dialect, RatePolicy

if TYPE_CHECKING:
    from mock_server.errors import ApiError


class Error(TypedDict):
    """The one form of every refusal."""

    error: str
    message: str
    details: NotRequired[dict[str, Any]]
    request_id: str


def error_body(error: ApiError, code: str, request_id: str, _: float) -> dict[str, Any]:
    """Render a refusal."""
    body: dict[str, Any] = {"error": code, "message": error.message}
    if error.details is not None:
        body["details"] = error.details
    return {**body, "request_id": request_id}


PLATFORM = Dialect(
    name="platform",
    title="Vantage platform REST API",
    prefix="/v1",
    mount="/platform",
    hosts=("api.vantage.omnivector.solutions",),
    codes={
        400: "validation_error",
        401: "authentication_failed",
        403: "permission_denied",
        404: "resource_not_found",
        405: "method_not_allowed",
        409: "resource_conflict",
        410: "upload_expired",
        412: "precondition_failed",
        413: "payload_too_large",
        415: "unsupported_media_type",
        416: "range_not_satisfiable",
        429: "rate_limit_exceeded",
        431: "headers_too_large",
        460: "checksum_mismatch",
        500: "internal_error",
        503: "service_unavailable",
        507: "insufficient_storage",
    },
    rate=RatePolicy(limit=1000, window=3600.0),
    credentials=(
        Credential("YOUR_API_KEY"),
        Credential("your-api-key"),
        Credential("your-key"),
        Credential("read-only-key", can_write=False),
    ),
    error_body=error_body,
    error_model=Error,
)
