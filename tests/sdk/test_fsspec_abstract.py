"""The suite of fsspec for file systems, against the storage of a bundled server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fsspec.tests.abstract import (
    AbstractCopyTests,
    AbstractFixtures,
    AbstractGetTests,
    AbstractOpenTests,
    AbstractPipeTests,
    AbstractPutTests,
)

from mock_server import MockServer
from vantage_sdk import VantageClient
from vantage_sdk.fs import VantageFileSystem

pytestmark = pytest.mark.slow


class StorageFixtures(AbstractFixtures):
    @pytest.fixture(scope="class")
    @classmethod
    def storage_url(cls) -> Iterator[str]:
        with MockServer(world="empty", rate_limits=False) as server:
            yield server.url

    @pytest.fixture
    def fs(self, storage_url: str) -> Iterator[Any]:
        with VantageClient("your-api-key", storage_url, trust_env=False) as client:
            yield VantageFileSystem(client=client, skip_instance_cache=True)

    @pytest.fixture
    def fs_join(self) -> Any:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def fs_path(self) -> str:
        return "/suite"

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(AbstractCopyTests, StorageFixtures):
    """Copies within the storage."""


class TestGet(AbstractGetTests, StorageFixtures):
    """Downloads."""


class TestPut(AbstractPutTests, StorageFixtures):
    """Uploads."""


class TestOpen(AbstractOpenTests, StorageFixtures):
    """Opening."""


class TestPipe(AbstractPipeTests, StorageFixtures):
    """Storing bytes."""
