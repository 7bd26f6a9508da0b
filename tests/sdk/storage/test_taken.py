"""Two that go for one partial file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.intake import shrink
from tests.support.local_files import tree
from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.folder import Folder

CONTENT = hashlib.shake_256(b"taken").digest(300 << 10)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


async def test_a_file_that_is_taken_as_it_is_made_is_made_again(
    face: Face, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is noted before it is there, so that no kill leaves a file that nobody knows."""
    server.storage.put("/0", CONTENT)
    make = Folder.create

    def create(folder: Folder, name: str, mode: int = 0o600) -> int:
        fd = make(folder, name, mode)
        if name.startswith(".f.") and not taken:
            taken.append(name)
            with Destination.at(tmp_path / "f") as other:
                assert other.clear(name)
        return fd

    taken: list[str] = []
    monkeypatch.setattr(Folder, "create", create)
    async with face.client(server.url) as client:
        await client.storage.download("/0", tmp_path / "f")
    assert len(taken) == 1
    assert tree(tmp_path) == {"f": CONTENT}
