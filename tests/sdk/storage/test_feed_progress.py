"""What a progress callback is told of a source whose length nobody knows before its end."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.intake import KIB, Intake, shrink
from tests.support.scripted import Reply, ScriptedServer
from vantage_sdk import VantageConnectionError
from vantage_sdk.core.io import sources
from vantage_sdk.core.transfer import progress
from vantage_sdk.testing import instant_retries

CONTENT = hashlib.shake_256(b"feeds told").digest(300 * KIB + 7)
STEP = 10 * KIB
Told = list[tuple[int, int]]


@pytest.fixture(autouse=True)
def _often_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr(sources, "PIECE", 16 * KIB)


def pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), STEP):
        yield content[start : start + STEP]


async def pieces_later(content: bytes) -> AsyncIterator[bytes]:
    for piece in pieces(content):
        yield piece


class Pipe(io.BytesIO):
    """Bytes that cannot be gone back in."""

    def seekable(self) -> bool:
        return False


SOURCES: dict[str, Callable[[bytes], Any]] = {"iterator": pieces, "asynchronous": pieces_later, "pipe": Pipe}


def source_of(kind: str, content: bytes, face: Face) -> Any:
    if kind == "asynchronous" and face.is_blocking:
        pytest.skip("a blocking client takes no asynchronous iterator")
    return SOURCES[kind](content)


def check(told: Told, size: int) -> None:
    """Demand that reports grow, that no total is 0 or goes back, and that only the last report is one of the end."""
    done, totals = [report[0] for report in told], [report[1] for report in told]
    assert all(type(number) is int and number > 0 for report in told for number in report)
    assert done == sorted(set(done))
    assert totals == sorted(totals)
    assert all(reached < total for reached, total in told[:-1])
    assert told[-1] == (size, size)


FATES = ["ok", "PATCH *: ok, cut-upload=99, reset-before, ok", "OPTIONS *: 404*"]


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("kind", SOURCES)
async def test_reports_grow_to_what_came(kind: str, fate: str, face: Face, server: MockServer) -> None:
    told: Told = []
    if fate != "ok":
        server.faults.set(fate)
    with instant_retries():
        async with face.client(server.url) as client:
            source = source_of(kind, CONTENT, face)
            await client.storage.upload(source, "/f", progress_callback=lambda *report: told.append(report))
    assert server.storage.read("/f") == CONTENT
    check(told, len(CONTENT))
    assert len(told) > 1


@pytest.mark.parametrize("size", [1, 64 * KIB, 64 * KIB + 1])
@pytest.mark.parametrize("kind", SOURCES)
async def test_the_end_is_told_of_any_size(kind: str, size: int, face: Face, server: MockServer) -> None:
    told: Told = []
    async with face.client(server.url) as client:
        source = source_of(kind, CONTENT[:size], face)
        await client.storage.upload(source, "/f", progress_callback=lambda *report: told.append(report))
    check(told, size)


@pytest.mark.parametrize("kind", SOURCES)
async def test_nothing_is_told_of_nothing(kind: str, face: Face, server: MockServer) -> None:
    told: Told = []
    async with face.client(server.url) as client:
        source = source_of(kind, b"", face)
        await client.storage.upload(source, "/f", progress_callback=lambda *report: told.append(report))
    assert server.storage.read("/f") == b""
    assert told == []


async def test_the_end_is_not_told_of_a_failure(face: Face) -> None:
    told: Told = []
    with ScriptedServer(Intake(lambda request: Reply(500) if request.method == "GET" else None)) as scripted:
        async with face.client(scripted.url, max_retries=0) as client:
            with pytest.raises(Exception, match="500"):
                await client.storage.upload(
                    pieces(CONTENT), "/f", progress_callback=lambda *report: told.append(report)
                )
    assert told
    assert all(done < total for done, total in told)


class Enough(Exception):
    pass


@pytest.mark.parametrize("kind_of_error", [Enough, OSError, VantageConnectionError])
@pytest.mark.parametrize("size", [KIB, len(CONTENT)])
@pytest.mark.parametrize("kind", SOURCES)
async def test_raising_ends_it(
    kind: str, size: int, kind_of_error: type[Exception], face: Face, server: MockServer
) -> None:
    error = kind_of_error("no")  # made here, because one that is raised keeps all that it came through

    def refuse(done: int, total: int) -> None:
        raise error

    async with face.client(server.url) as client:
        with pytest.raises(kind_of_error) as caught:
            await client.storage.upload(source_of(kind, CONTENT[:size], face), "/f", progress_callback=refuse)
        assert caught.value is error
        assert ("/f" in server.storage.files()) is (size == KIB)  # one form is stored when the first report comes
        assert server.storage.uploads() == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("vantage")]


async def test_an_asynchronous_client_calls_where_its_caller_is(face: Face, server: MockServer) -> None:
    if face.is_blocking:
        pytest.skip("a blocking client has no event loop")
    threads: set[int] = set()
    async with face.client(server.url) as client:
        for kind in SOURCES:
            await client.storage.upload(
                source_of(kind, CONTENT, face),
                f"/{kind}",
                progress_callback=lambda *_: threads.add(threading.get_ident()),
            )
    assert threads == {threading.get_ident()}


async def _nobody(done: int, total: int) -> None:
    raise AssertionError("nothing awaits it")


@pytest.mark.parametrize("callback", [7, "print", _nobody])
async def test_what_is_no_function_is_refused_before_anything_is_read(
    callback: Any, face: Face, server: MockServer
) -> None:
    read: list[bytes] = []

    def noted() -> Iterator[bytes]:
        for piece in pieces(CONTENT):
            read.append(piece)
            yield piece

    async with face.client(server.url) as client:
        with pytest.raises(TypeError, match="progress_callback takes"):
            await client.storage.upload(noted(), "/f", progress_callback=callback)
    assert read == []
    assert server.journal == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts what is open")
async def test_a_refused_callback_leaves_no_file_open(face: Face, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(CONTENT)
    async with face.client(server.url) as client:
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(TypeError):
            await client.storage.upload(tmp_path / "local", "/f", progress_callback=7)
        assert len(os.listdir("/proc/self/fd")) == before


# The bar


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_a_bar_counts_without_a_total(face: Face, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    for kind, make in SOURCES.items():
        if kind == "asynchronous" and face.is_blocking:
            continue
        for screen, shown in ((Screen(), True), (io.StringIO(), False)):
            monkeypatch.setattr(sys, "stderr", screen)
            async with face.client(server.url) as client:
                await client.storage.upload(make(CONTENT), "/f", overwrite=True, progress=True)
            assert ("f: 300kB" in screen.getvalue()) is shown
            assert bool(screen.getvalue()) is shown
            assert "%" not in screen.getvalue()


async def test_a_missing_bar_is_told_before_anything_is_read(
    face: Face, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", Screen())
    source = io.BytesIO(CONTENT)
    pipe = io.BufferedReader(Pipe(CONTENT))  # pyright: ignore[reportArgumentType]
    async with face.client(server.url) as client:
        for each in (pieces(CONTENT), pipe, source):
            with pytest.raises(ImportError, match=r"vantage-sdk\[progress\]"):
                await client.storage.upload(each, "/f", progress=True)
    assert server.journal == []
