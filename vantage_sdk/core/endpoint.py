"""Any endpoint by its path, for what the SDK does not know yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.urls import segment
from vantage_sdk.models.base import parsed

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer

OUTSIDE = ("/api/", "/docs", "/redoc", "/oauth/")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _content(answer: Answer) -> Any:
    kind = answer.headers.get("content-type", "")
    if not answer.body:
        return None
    if "json" in kind:
        return parsed(answer)
    return answer.body.decode("utf-8", "replace") if kind.startswith("text/") else answer.body


class Endpoint(Resource[Mode]):
    """One call of any kind."""

    @method
    async def request(
        self: Endpoint[Async],
        verb: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        idempotent: bool = False,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Send a request to ``path`` below the base URL; see ``VantageClient.request``."""
        if verb not in METHODS:
            raise ValueError(f"method is one of {', '.join(sorted(METHODS))}, not {verb!r}")
        if not isinstance(path, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"path takes text, not {type(path).__name__}")
        rooted = path.startswith(OUTSIDE)
        safe = idempotent or verb not in ("POST", "PATCH")
        request = Request(
            verb,
            _path(path, self._sender.config.mount if rooted else self._sender.config.path_prefix),
            _content,
            query=query or {},
            json=json,
            safety=Safety.IDEMPOTENT if safe else Safety.KEYED,
            idempotency_key=idempotency_key,
            accept="*/*",
            rooted=rooted,
        )
        return await self._send(request, options)


def _path(path: str, prefix: str) -> str:
    """Return ``path`` below the base URL, each segment checked; the version prefix may be there or not."""
    if not path.startswith("/"):
        raise ValueError(f"path starts with '/', not {path[:80]!r}")
    if "?" in path or "#" in path:
        raise ValueError("path has no query or fragment: give query= for parameters")
    below = path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path
    parts = below[1:].split("/")
    tail = "/" if parts[-1] == "" and parts[1:] else ""
    return "/" + "/".join(segment(part, "path") for part in (parts[:-1] if tail else parts)) + tail
