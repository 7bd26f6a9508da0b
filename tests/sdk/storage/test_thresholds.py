"""From which size on files go in pieces, in parts side by side, and over several connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.depot import Answer, Depot
from tests.support.faces import Face
from tests.support.intake import Intake
from tests.support.scripted import Json, Request, ScriptedServer, Step
from vantage_sdk import AuthorizationError

MIB = 1 << 20
FORBIDDEN = Json(403, {"error": "permission_denied", "message": "enough was seen"})


def sparse(folder: Path, size: int) -> Path:
    with (folder / "local").open("wb") as file:
        file.truncate(size)
    return folder / "local"


def asked(server: MockServer) -> list[str]:
    return [f"{record.method} {record.path.removeprefix('/v1/storage/')}" for record in server.journal]


async def test_up_to_8_mib_is_one_form_and_more_is_pieces(face: Face, server: MockServer, tmp_path: Path) -> None:
    async with face.client(server.url) as client:
        await client.storage.upload(sparse(tmp_path, 8 * MIB), "/one")
        assert asked(server) == ["POST files"]
        await client.storage.upload(sparse(tmp_path, 8 * MIB + 1), "/two")
    assert [call.partition("/")[0] for call in asked(server)[1:5]] == [
        "OPTIONS files",
        "POST uploads",
        "PATCH uploads",
        "PATCH uploads",
    ]
    assert server.storage.files() == {"/one": 8 * MIB, "/two": 8 * MIB + 1}


async def test_a_server_without_pieces_gets_one_form_of_any_size(
    face: Face, server: MockServer, tmp_path: Path
) -> None:
    server.faults.set("OPTIONS *: 404*")
    async with face.client(server.url) as client:
        await client.storage.upload(sparse(tmp_path, 20 * MIB), "/one")
        await client.storage.upload(sparse(tmp_path, 20 * MIB), "/two")
    assert asked(server) == ["OPTIONS files", "POST files", "POST files"]
    assert server.storage.read("/two") == bytes(20 * MIB)


async def test_what_is_larger_than_the_server_takes_in_pieces_is_one_form(face: Face, server: MockServer) -> None:
    def small(request: Request, connection: int) -> Step | list[Step]:
        if request.method == "OPTIONS":
            headers = {"Tus-Resumable": "1.0.0", "Tus-Extension": "creation", "Tus-Max-Size": str(9 * MIB)}
            return Json(200, {}, headers)
        return FORBIDDEN

    with ScriptedServer(small) as scripted:
        async with face.client(scripted.url) as client:
            for size in (9 * MIB, 9 * MIB + 1):
                with pytest.raises(AuthorizationError):
                    await client.storage.upload(bytes(size), "/f")
    assert [request.path for request in scripted.requests if request.method == "POST"] == [
        "/v1/storage/uploads",
        "/v1/storage/files",
    ]


@pytest.mark.parametrize(("size", "kind"), [(256 * MIB - 1, None), (256 * MIB, "partial"), (300 * MIB, "partial")])
async def test_a_file_goes_up_in_parts_from_256_mib_on(size: int, kind: str | None, face: Face, tmp_path: Path) -> None:
    created: list[Request] = []

    def note(request: Request) -> Step | None:
        if request.method != "POST":
            return None
        created.append(request)
        return FORBIDDEN

    with ScriptedServer(Intake(note)) as scripted:
        async with face.client(scripted.url) as client:
            with pytest.raises(AuthorizationError):
                await client.storage.upload(sparse(tmp_path, size), "/f")
    assert [request.header("upload-concat") for request in created] == [kind]
    assert int(created[0].header("upload-length") or 0) == (size if kind is None else size // 4)


@pytest.mark.parametrize(
    ("size", "connections", "first"),
    [
        (128 * MIB - 1, 4, None),
        (128 * MIB, 4, f"bytes=0-{64 * MIB - 1}"),
        (128 * MIB, 1, None),
    ],
)
async def test_a_file_comes_down_in_ranges_from_128_mib_on(
    size: int, connections: int, first: str | None, face: Face, tmp_path: Path
) -> None:
    class Large(Depot):
        def file(self, path: str) -> dict[str, Any]:
            return {**super().file(path), "size": size}

    def refuse(depot: Depot, request: Request, content: bytes) -> Answer:
        return FORBIDDEN

    depot = Large(b"", refuse)
    with ScriptedServer(depot) as scripted:
        async with face.client(scripted.url) as client:
            with pytest.raises(AuthorizationError):
                await client.storage.download("/f", tmp_path / "f", connections=connections)
    assert first in depot.ranges
    assert (None in depot.ranges) == (first is None)
    assert list(tmp_path.iterdir()) == []
