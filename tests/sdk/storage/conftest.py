"""A server with nothing on it that the tests of the storage have not put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_server import MockServer


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto", world="empty", rate_limits=False) as running:
        yield running


@pytest.fixture
def records() -> Path:
    """Where a client writes down what it may go on with."""
    return Path(os.environ["VANTAGE_STATE_DIR"]) / "transfers"
