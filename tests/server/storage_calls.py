"""What the tests of the storage ask servers, in few words."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import httpx

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def metadata(**values: str) -> str:
    return ",".join(f"{key} {encoded(value)}" for key, value in values.items())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def checksum(content: bytes, algorithm: str = "sha1") -> dict[str, str]:
    return {"Upload-Checksum": f"{algorithm} {encoded(hashlib.new(algorithm, content).digest())}"}


def send(client: httpx.Client, path: str, content: bytes = b"hello", **options: Any) -> httpx.Response:
    """Upload by form; ``overwrite`` and ``headers`` as you like."""
    data = {"path": path, **({"overwrite": options.pop("overwrite")} if "overwrite" in options else {})}
    name = options.pop("name", "local.bin")
    file = (name, content, options.pop("kind")) if "kind" in options else (name, content)
    return client.post("/v1/storage/files", data=data, files={"file": file}, **options)


def listed(client: httpx.Client, path: str = "/", **query: str) -> list[str]:
    files: list[dict[str, Any]] = client.get(
        "/v1/storage/files", params={"path": path, "sort": "path", **query}
    ).json()["files"]
    return [file["path"] + ("/" if file["type"] == "directory" else "") for file in files]


@dataclass
class Upload:
    """One resumable upload, seen by its client."""

    client: httpx.Client
    url: str

    def head(self, **headers: str) -> httpx.Response:
        return self.client.head(self.url, headers={**TUS, **headers})

    def patch(self, offset: int, content: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        own = {"Upload-Offset": str(offset), "Content-Type": PIECE}
        return self.client.patch(self.url, content=content, headers={**TUS, **own, **(headers or {})})

    def delete(self) -> httpx.Response:
        return self.client.delete(self.url, headers=TUS)

    @property
    def offset(self) -> int:
        return int(self.head().headers["Upload-Offset"])


def create(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return client.post("/v1/storage/uploads", headers={**TUS, **headers})


def begin(client: httpx.Client, length: int | None, path: str = "/x.bin", **values: str) -> Upload:
    """Begin an upload; ``values`` are further metadata."""
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    answer = create(client, {**size, "Upload-Metadata": metadata(path=path, **values)})
    assert answer.status_code == 201, answer.text
    return Upload(client, answer.headers["Location"])


def begin_part(client: httpx.Client, content: bytes) -> Upload:
    """Upload a part as a whole."""
    answer = create(client, {"Upload-Length": str(len(content)), "Upload-Concat": "partial"})
    upload = Upload(client, answer.headers["Location"])
    if content:
        assert upload.patch(0, content).status_code == 204
    return upload
