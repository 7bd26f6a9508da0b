"""Fixtures for tests of what reaches the disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.local_files import descriptors
from vantage_sdk.core.io.folder import Folder


@pytest.fixture(params=[True, False], ids=["held", "checked"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run as on Linux and macOS, and as on Windows, which has no functions relative to an open folder."""
    monkeypatch.setattr(Folder, "HELD", request.param)
    monkeypatch.setattr(Folder, "RENAMES_OPEN_FILES", request.param)
    return request.param


@pytest.fixture
def nothing_stays_open() -> Iterator[None]:
    """Fail if a descriptor is left open."""
    before = descriptors()
    yield
    assert descriptors() == before
