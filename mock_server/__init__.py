"""A server for the documented Vantage APIs, over a simulated cluster."""

from __future__ import annotations

from mock_server.auth import Credential
from mock_server.server import MockServer

__all__ = ["Credential", "MockServer"]
