"""The pytest plugin: a server and clients for it; nothing of the SDK is imported before a test asks for a fixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server import MockServer
    from vantage_sdk import AsyncVantageClient, VantageClient

API_KEY = "your-api-key"


@pytest.fixture
def vantage_server() -> Iterator[MockServer]:
    """A server of its own for the test, with the documented world and a clock that jumps whenever somebody waits."""
    from mock_server import MockServer

    with MockServer(clock="auto") as server:
        yield server


@pytest.fixture
def vantage_client(vantage_server: MockServer) -> Iterator[VantageClient]:
    """A blocking client of ``vantage_server``."""
    from vantage_sdk import VantageClient

    with VantageClient(api_key=API_KEY, base_url=vantage_server.url, trust_env=False) as client:
        yield client


@pytest.fixture
def async_vantage_client(vantage_server: MockServer) -> AsyncVantageClient:
    """An asynchronous client of ``vantage_server``; the event loop of the test closes its connections when it ends."""
    from vantage_sdk import AsyncVantageClient

    return AsyncVantageClient(api_key=API_KEY, base_url=vantage_server.url, trust_env=False)
