"""Calls from web pages of other origins (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

ASKED = "Authorization, Content-Type, Idempotency-Key, X-Organization-ID"
TOLD = "X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Idempotency-Supported"
OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": TOLD}
HOUR = "3600"


def preflight(methods: Iterable[str]) -> Response:
    """Return the answer to a page that asks what it may do; it needs no key, because browsers send none then."""
    allowed = ", ".join(sorted({*methods, "OPTIONS"}))
    headers = {"Allow": allowed, "Access-Control-Allow-Methods": allowed, "Access-Control-Allow-Headers": ASKED}
    return Response(status_code=204, headers={**headers, "Access-Control-Max-Age": HOUR})
