"""File objects and iterators as the source of an upload: what is no end, what goes back only by starting over, and whose it is."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.intake import KIB, shrink
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import VantageAPIError, VantageClient
from vantage_sdk.core.io import sources

CONTENT = hashlib.shake_256(b"feeds").digest(300 * KIB + 7)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.mark.parametrize("first", [b"first", CONTENT])
async def test_an_iterator_that_yields_none_has_not_ended(first: bytes, face: Face) -> None:
    with MockServer(clock="auto", world="empty", rate_limits=False) as server:
        async with face.client(server.url) as client:
            with pytest.raises(TypeError, match="yield bytes, not NoneType"):
                await client.storage.upload(iter([first, None, b"second"]), "/f")
        assert server.storage.files() == {}
        assert server.storage.uploads() == []


@pytest.mark.skipif(os.name != "posix", reason="pipes on Windows always wait")
async def test_a_pipe_that_has_nothing_yet_has_not_ended(face: Face) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, b"first")
    try:
        with os.fdopen(reading, "rb", 0) as pipe, MockServer(clock="auto", world="empty") as server:
            async with face.client(server.url) as client:
                with pytest.raises(TypeError, match="yield bytes, not NoneType"):
                    await client.storage.upload(pipe, "/f")
            assert server.storage.files() == {}
    finally:
        os.close(writing)


class Counting(io.BytesIO):
    """Counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.count += count
        return count


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f", data)
    return packed.getvalue()


@contextmanager
def unzipped(packed: IO[bytes]) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(packed) as archive, archive.open("f") as file:
        yield file


@pytest.mark.parametrize(
    ("pack", "unpack"),
    [
        (gzip.compress, lambda packed: gzip.GzipFile(fileobj=packed)),
        (bz2.compress, bz2.BZ2File),
        (lzma.compress, lzma.LZMAFile),
        (zipped, unzipped),
    ],
    ids=["gzip", "bz2", "lzma", "zip"],
)
async def test_what_goes_back_only_by_starting_over_is_read_once(
    pack: Callable[[bytes], bytes], unpack: Callable[[IO[bytes]], AbstractContextManager[IO[bytes]]], face: Face
) -> None:
    """Hashing and sending would take turns on it, and unpack everything before their places each time."""
    packed = Counting(pack(CONTENT))
    with MockServer(clock="auto", world="empty", rate_limits=False) as server, unpack(packed) as source:
        async with face.client(server.url) as client:
            await client.storage.upload(source, "/f")
        assert server.storage.read("/f") == CONTENT
    assert packed.count < 1.5 * len(packed.getvalue())


class Slow(io.BytesIO):
    """A file of the user on a storage that takes its time."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        if size:
            threading.Event().wait(0.02)
            self.reads += 1
        return super().read(size)


def test_nobody_moves_a_file_of_the_user_after_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIECE", KIB)  # so that hashing is at one of hundreds when the call fails
    file = Slow(CONTENT)
    with (
        ScriptedServer(lambda request, _: Json(403, {"error": "forbidden", "message": "no"})) as server,
        VantageClient("your-api-key", server.url, trust_env=False) as client,
    ):
        with pytest.raises(VantageAPIError):
            client.storage.upload(file, "/f")
        file.seek(7)
        before = file.reads
        for thread in threading.enumerate():
            if thread.name.startswith("vantage"):
                thread.join(60)
    assert (file.tell(), file.reads) == (7, before)
    assert before < len(CONTENT) // KIB
