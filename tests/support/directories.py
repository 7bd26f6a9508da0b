"""Whole directories on both sides of a transfer, and the calls that move them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.local_files import tree
from vantage_sdk import TransferReport
from vantage_sdk.testing import instant_retries

FILES = {
    "a.txt": b"a" * 100,
    "b.csv": b"b" * 2000,
    ".hidden": b"h",
    "sub/c.csv": b"",
    "sub/deep/d d.bin": b"d" * 70_000,
}
FILES["sub/ü/\u2603"] = b"snow"


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def put(server: MockServer, files: dict[str, bytes], folder: str = "/d") -> None:
    for name, content in files.items():
        server.storage.put(f"{folder}/{name}", content)


def stored(server: MockServer, folder: str = "/d") -> dict[str, bytes]:
    paths = [path for path in server.storage.files() if path.startswith(f"{folder}/")]
    return {path.removeprefix(f"{folder}/"): server.storage.read(path) for path in paths}


def files_of(folder: Path) -> dict[str, Any]:
    return {name: content for name, content in tree(folder).items() if content is not None}


def names(items: Any) -> list[str]:
    return [item.remote_path.removeprefix("/d/") for item in items]


def count(server: MockServer, method: str, end: str) -> int:
    return sum(record.method == method and record.path.endswith(end) for record in server.journal)


async def up(face: Face, server: MockServer, local: Path, folder: str = "/d", **options: Any) -> TransferReport:
    with instant_retries():
        async with face.client(server.url) as client:
            report: TransferReport = await client.storage.upload_directory(local, folder, **options)
            return report


async def down(face: Face, server: MockServer, local: Path, folder: str = "/d", **options: Any) -> TransferReport:
    with instant_retries():
        async with face.client(server.url) as client:
            report: TransferReport = await client.storage.download_directory(folder, local, **options)
            return report
