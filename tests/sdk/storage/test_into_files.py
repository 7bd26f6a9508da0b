"""File objects of the user as the place of a download: raw ones, ones that keep what they get, stretches of larger files."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from tests.support.depot import Answer, Depot, ranged
from tests.support.faces import Face
from tests.support.scripted import Reply, Request, ScriptedServer
from vantage_sdk.testing import instant_retries

CONTENT = hashlib.shake_256(b"into files").digest(300_007)
SMALL = CONTENT[:1000]


class Raw(io.RawIOBase):
    """Takes as much of each piece as ``takes`` says, as a file on a disk that fills up does, or a socket."""

    def __init__(self, *takes: int | None) -> None:
        self.got = bytearray()
        self._takes = list(takes)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int | None:
        count = self._takes.pop(0) if len(self._takes) > 1 else self._takes[0]
        self.got += bytes(data)[: count or 0]
        return None if count is None else min(count, len(data))


class Keeper:
    """Keeps what it is given, as a queue or a list does."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []

    def write(self, data: Any) -> int:
        self.pieces.append(data)
        return len(data)


class Mute:
    """Does not say how much it took, as many writers do not."""

    def __init__(self) -> None:
        self.got = bytearray()

    def write(self, data: Any) -> None:
        self.got += data


def damaged(depot: Depot, request: Request, content: bytes) -> Answer:
    return Reply(200, bytes([content[0] ^ 1]) + content[1:], depot.headers(content))


async def fetch(face: Face, depot: Depot, file: Any) -> int:
    with ScriptedServer(depot) as server, instant_retries():
        async with face.client(server.url) as client:
            count: int = await client.storage.download_to_file("/f", file)
            return count


async def test_a_raw_file_gets_all_of_it(face: Face) -> None:
    file = Raw(1000)
    assert await fetch(face, Depot(CONTENT), file) == len(CONTENT)
    assert file.got == CONTENT


async def test_a_raw_file_that_takes_no_more_is_an_error(face: Face) -> None:
    with pytest.raises(OSError, match="takes no more"):
        await fetch(face, Depot(CONTENT), Raw(1000, 0))


async def test_a_raw_file_that_does_not_wait_is_an_error(face: Face) -> None:
    with pytest.raises(BlockingIOError, match="does not wait"):
        await fetch(face, Depot(CONTENT), Raw(1000, None))


async def test_pieces_that_are_kept_stay_what_they_were(face: Face) -> None:
    file = Keeper()
    assert await fetch(face, Depot(CONTENT), file) == len(CONTENT)
    assert b"".join(file.pieces) == CONTENT
    assert {type(piece) for piece in file.pieces} == {bytes}


async def test_a_writer_that_does_not_count_is_believed(face: Face) -> None:
    file = Mute()
    assert await fetch(face, Depot(CONTENT), file) == len(CONTENT)
    assert file.got == CONTENT


async def test_what_follows_in_a_larger_file_is_left(face: Face, tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(b"A" * 100 + bytes(len(SMALL)) + b"Z" * 5000)
    with path.open("r+b") as file:
        file.seek(100)
        assert await fetch(face, Depot(SMALL, damaged, ranged), file) == len(SMALL)
    assert path.read_bytes() == b"A" * 100 + SMALL + b"Z" * 5000


async def test_what_was_appended_by_the_first_try_is_cut_off(face: Face, tmp_path: Path) -> None:
    """The file that took the place of a longer one would else have the end of that."""
    path = tmp_path / "f"
    path.write_bytes(b"A" * 100)

    def longer(depot: Depot, request: Request, content: bytes) -> Answer:
        depot.content = SMALL
        return damaged(depot, request, content)

    with path.open("r+b") as file:
        file.seek(0, io.SEEK_END)
        assert await fetch(face, Depot(SMALL * 5, longer, ranged), file) == len(SMALL)
    assert path.read_bytes() == b"A" * 100 + SMALL
