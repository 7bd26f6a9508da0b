"""One upload to the storage of a server, and what the server saw of it."""

from __future__ import annotations

import hashlib
from typing import Any

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk.testing import instant_retries

SMALL = b"0123456789" * 1000
FORMS, PIECES = "POST /v1/storage/files", "PATCH /v1/storage/uploads/*"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def requests(server: MockServer, method: str) -> list[Any]:
    return [record for record in server.journal if record.method == method]


async def put(face: Face, server: MockServer, source: Any, path: str = "/f", **options: Any) -> Any:
    settings = {name: options.pop(name) for name in ("max_retries",) if name in options}
    with instant_retries():
        async with face.client(server.url, **settings) as client:
            return await client.storage.upload(source, path, **options)
