"""A connection that breaks at every byte of an upload and of a download: the right result or a clear error, never wrong bytes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.cutting import Cutter, Way
from tests.support.effort import effort
from tests.support.faces import Face
from tests.support.leftovers import partials, settled
from vantage_sdk import SubmitOutcomeUnknown, VantageConnectionError
from vantage_sdk.core.transfer import upload, uploading
from vantage_sdk.testing import instant_retries

CONTENT = b"cut at every byte!"
STARTS = {"up": rb"(?:GET|HEAD|OPTIONS|PATCH|POST) /v1", "down": rb"HTTP/1\.1 "}
PLACE = {"form": 0, "pieces": 2, "download": 1}  # of the exchange that carries the bytes, among all of the transfer
CLEAR = {"form": SubmitOutcomeUnknown, "pieces": VantageConnectionError, "download": VantageConnectionError}
SLACK = 8  # by which answers differ in length, as a time has no zeros at its end
KINDS = pytest.mark.parametrize("kind", PLACE)
WAYS = pytest.mark.parametrize("way", ["up", "down"])

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _small_and_quick(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # there are thousands of files
    if kind == "pieces":
        for module in (upload, uploading):
            monkeypatch.setattr(module, "WHOLE", len(CONTENT) - 1)
    with instant_retries():
        yield


class Transfers:
    """Transfers of one kind through a connection that breaks, each from or to a remote file of its own."""

    def __init__(self, kind: str, face: Face, server: MockServer, cutter: Cutter, folder: Path) -> None:
        self.kind = kind
        self._face = face
        self._server = server
        self._cutter = cutter
        self._local = folder / "local"
        self._target = folder / "target"
        self._local.write_bytes(CONTENT)
        if kind == "download":
            server.storage.put("/f", CONTENT)

    def path(self, number: int) -> str:
        return "/f" if self.kind == "download" else f"/{number:05}"

    async def move(self, number: int, **options: Any) -> None:
        """Move one file; what comes of it without an error is right."""
        path = self.path(number)
        async with self._face.client(self._cutter.url, **options) as client:
            if self.kind == "download":
                self._target.write_bytes(b"old")
                await client.storage.download(path, self._target)
                assert self._target.read_bytes() == CONTENT
                return
            file = await client.storage.upload(self._local, path, resume=True)
        assert (file.path, file.size) == (path, len(CONTENT))
        assert file.checksum == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

    async def places(self, way: Way) -> range:
        """Return every place of the exchange that carries the bytes, from before its first one to behind its last one."""
        self._cutter.cut(way, None)
        await self.move(99999)
        starts = [match.start() for match in re.finditer(STARTS[way], self._cutter.passed[way])]
        first, behind, *_ = [*starts, len(self._cutter.passed[way])][PLACE[self.kind] :]
        return range(first, behind + 1, effort(13, 1) if self._face.is_blocking else 61)

    def is_old(self) -> bool:
        """Tell whether a download that failed left everything as it was."""
        return self._target.read_bytes() == b"old" and partials(self._target.parent) == []

    def stored(self) -> set[str]:
        """Return the remote files there are, all of them right."""
        paths = set(self._server.storage.files())
        assert all(self._server.storage.read(path) == CONTENT for path in paths)
        return paths

    def blobs(self) -> int:
        found = 0
        for _, _, names in os.walk(self._server.storage.directory):
            found += sum(not name.startswith("catalogue") for name in names)
        return found


@pytest.fixture
def cutter(server: MockServer) -> Iterator[Cutter]:
    with Cutter(server.url) as running:
        yield running


@WAYS
@KINDS
async def test_with_retries_it_comes_out_right(
    kind: str, way: Way, face: Face, server: MockServer, cutter: Cutter, tmp_path: Path
) -> None:
    transfers = Transfers(kind, face, server, cutter, tmp_path)
    places = await transfers.places(way)
    for number in places:
        cutter.cut(way, number)
        await transfers.move(number)
        assert len(cutter.passed[way]) > number - SLACK
    assert transfers.stored() == {transfers.path(number) for number in [*places, 99999]}
    settled(lambda: transfers.blobs() == len(transfers.stored()), transfers.blobs)  # nothing was stored twice
    assert len(server.storage.uploads()) == (len(places) + 1) * (kind == "pieces")
    assert partials(tmp_path) == []


@WAYS
@KINDS
async def test_without_retries_it_is_right_or_a_clear_error(
    kind: str, way: Way, face: Face, server: MockServer, cutter: Cutter, tmp_path: Path
) -> None:
    transfers = Transfers(kind, face, server, cutter, tmp_path)
    places = await transfers.places(way)
    failed = set[int]()
    for number in places:
        cutter.cut(way, number)
        try:
            await transfers.move(number, max_retries=0)
        except CLEAR[kind] as error:
            failed.add(number)
            assert kind != "download" or transfers.is_old(), error
    assert transfers.stored() >= {transfers.path(number) for number in places if number not in failed}
    if (kind, way) == ("form", "down"):
        assert failed == set()  # it was stored, and looking it up tells so
    else:
        assert failed >= {number for number in places if places[0] + SLACK < number < places[-1] - SLACK}
    if kind == "pieces":
        for number in failed:
            await transfers.move(number)
        assert transfers.stored() == {transfers.path(number) for number in [*places, 99999]}
