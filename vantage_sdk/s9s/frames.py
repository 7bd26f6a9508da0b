"""The messages on a socket of S9S: JSON objects, one of which is the family's error object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.dialect import Fault, error_class
from vantage_sdk.core.shapes import as_object
from vantage_sdk.exceptions import RateLimitError, ServerError, StreamInterrupted, VantageAPIError

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender

_STATUSES = {
    "INVALID_REQUEST": 400,
    "VALIDATION_ERROR": 400,
    "AUTHENTICATION_FAILED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "RATE_LIMIT_EXCEEDED": 429,
    "SLURM_ERROR": 500,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}


def decoded(text: str, path: str) -> Mapping[str, Any]:
    """Return a message as an object; raise ``StreamInterrupted`` if it is none, as nobody knows what it was to tell."""
    try:
        frame = as_object(json.loads(text))
    except (ValueError, RecursionError):
        frame = None
    if frame is None:
        raise StreamInterrupted("the server sent a message that is no JSON object", code="invalid_response", path=path)
    return frame


def error_of(frame: Mapping[str, Any], sender: Sender, path: str) -> VantageAPIError | None:
    """Return the error that a message is, of the class that the same code has as an answer; ``None`` if it is none."""
    if frame.get("error") is None:
        return None
    fault = Fault.parse(frame, 0, "")
    error = error_class(_STATUSES.get(fault.code or "", 0), fault.code)(
        sender.shown(fault.message),
        code=fault.code,
        details=fault.details,
        request_id=None if fault.request_id is None else sender.shown(fault.request_id),
        path=path,
    )
    error._passing = isinstance(error, ServerError | RateLimitError)
    return error
