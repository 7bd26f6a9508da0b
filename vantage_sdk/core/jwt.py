"""When a JSON Web Token ends, read without a look at its signature, which is for the server to check."""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64decode

from vantage_sdk.core.shapes import as_object

LONGEST = 64 * 1024


def expiry(token: str) -> float | None:
    """Return the ``exp`` of a token in epoch seconds (RFC 7519, 4.1.4), ``None`` for what is no such token or has none."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        return None
    try:
        payload = as_object(json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))))
    except (ValueError, RecursionError):
        return None
    found = None if payload is None else payload.get("exp")
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)
