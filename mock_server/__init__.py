"""A server for the documented Vantage APIs, over a simulated cluster."""

from __future__ import annotations

try:
    from mock_server.auth import Credential
    from mock_server.server import MockServer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"the server needs the extra vantage-sdk[server]: {error}", name=error.name) from None

__all__ = ["Credential", "MockServer"]
