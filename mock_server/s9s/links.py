"""Links to this server, as the caller reached it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_server.routes import Call


def absolute(call: Call[Any, Any], path: str) -> str:
    """Return the address of a documented path, with the origin and the mount that the caller used."""
    url = call.request.url
    return f"{url.scheme}://{url.netloc}{call.mount}{path}"
