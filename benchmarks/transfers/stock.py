"""What the transfer server says: the files it has, and its part of the storage API.  It checks nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

EXTENSIONS = {"pieces": "creation,checksum,termination", "parts": "creation,checksum,termination,concatenation"}
TUS = {"Tus-Resumable": "1.0.0"}
AT = "2024-01-15T10:30:00Z"
REASONS = {200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request; ``offer`` is what its path asks the server to be able to do."""

    method: str
    offer: str
    path: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", 0))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or a stretch of a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    file: Path | None = None
    start: int = 0
    size: int = 0

    def head(self) -> bytes:
        length = {} if self.status == 204 else {"Content-Length": str(self.size or len(self.body))}
        fields = {**length, "X-Request-ID": "req_123456789", "Server": "bench", **self.headers}
        lines = [f"HTTP/1.1 {self.status} {REASONS[self.status]}", *(f"{name}: {fields[name]}" for name in fields)]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the storage."""

    id: str
    path: str
    size: int
    digest: bytes
    place: Path | None = None

    @property
    def etag(self) -> str:
        return f'"{self.digest.hex()[:32]}"'

    def view(self) -> dict[str, Any]:
        about = {"id": self.id, "path": self.path, "name": self.path.rpartition("/")[2], "type": "file"}
        content = {"size": self.size, "content_type": "application/octet-stream"}
        version = {"checksum": f"sha256:{self.digest.hex()}", "etag": self.etag, "created_at": AT, "updated_at": AT}
        return {**about, **content, **version}


class Stock:
    """The large file and the small ones; what is uploaded is taken for one of them."""

    def __init__(self, folder: Path, digest: str) -> None:
        large = folder / "large.bin"
        self.large = Stored("file_large", "/bench/large.bin", large.stat().st_size, bytes.fromhex(digest), large)
        self._files = {self.large.id: self.large}
        for place in sorted((folder / "small").iterdir()):
            self._keep(f"/bench/small/{place.name}", place.read_bytes(), place)
        self._offsets: dict[str, tuple[int, int]] = {}
        self._numbers = itertools.count(1)

    def _keep(self, path: str, content: bytes, place: Path | None) -> Stored:
        name = "file_" + path.removeprefix("/bench/").replace("/", "_")
        stored = Stored(name, path, len(content), hashlib.sha256(content).digest(), place)
        self._files.setdefault(name, stored)
        return stored

    def reply(self, request: Request, body: bytes | None) -> Reply:
        """Answer; ``body`` is missing where it was too long to keep."""
        match request.method, request.path:
            case "OPTIONS", ["storage", _]:
                return self._offer(request.offer)
            case "GET", ["storage", "files"]:
                return self._list(request)
            case "POST", ["storage", "files"]:
                return self._form(body)
            case "GET", ["storage", "files", name] if name in self._files:
                return answer(200, self._files[name].view(), {"ETag": self._files[name].etag})
            case "GET", ["storage", "files", name, "download"] if name in self._files:
                return content(self._files[name], request.headers.get("range", ""))
            case "PUT", ["scrap"]:
                return Reply(204, {})
            case _, ["bucket", "large.bin"]:
                return s3(self.large, request)
            case method, ["storage", "uploads", *name]:
                return self._upload(method, name, request)
            case _:
                return answer(404, {"error": "resource_not_found", "message": "/".join(request.path)})

    def _offer(self, offer: str) -> Reply:
        if offer not in EXTENSIONS:
            return answer(404, {"error": "resource_not_found", "message": "nothing beyond the documented"})
        algorithms = {"Tus-Checksum-Algorithm": "sha1,sha256,crc32c"}
        return Reply(204, {**TUS, "Tus-Version": "1.0.0", "Tus-Extension": EXTENSIONS[offer], **algorithms})

    def _list(self, request: Request) -> Reply:
        path = request.query.get("path", "/").rstrip("/")
        found = [file for file in self._files.values() if file.path == path or file.path.startswith(path + "/")]
        limit, offset = int(request.query.get("limit", 50)), int(request.query.get("offset", 0))
        page = [file.view() for file in found[offset : offset + limit]]
        return answer(200, {"files": page, "total": len(found), "page": offset // limit + 1, "per_page": limit})

    def _form(self, body: bytes | None) -> Reply:
        stored = self.large if body is None else self._keep(*read_form(body), None)
        return answer(201, stored.view(), {"ETag": stored.etag})

    def _upload(self, method: str, name: list[str], request: Request) -> Reply:
        if method == "POST":
            return self._begun(request)
        offset, length = self._offsets[name[0]]
        if method == "PATCH":
            offset += request.length
            self._offsets[name[0]] = offset, length
        status = 200 if method == "HEAD" else 204
        return Reply(status, {**TUS, "Upload-Offset": str(offset), **(self._complete() if offset == length else {})})

    def _begun(self, request: Request) -> Reply:
        name = f"upload_{next(self._numbers)}"
        self._offsets[name] = 0, int(request.headers.get("upload-length", 0))
        final = request.headers.get("upload-concat", "").startswith("final")
        where = {**TUS, "Location": f"/{request.offer}/v1/storage/uploads/{name}"}
        return Reply(201, where | (self._complete() if final else {}))

    def _complete(self) -> dict[str, str]:
        where = {"X-File-Id": self.large.id, "Content-Location": f"/v1/storage/files/{self.large.id}"}
        return {**where, "ETag": self.large.etag}


def read_head(text: str) -> Request:
    """Read the head of a request; the first segment of its path is the offer, the second the version."""
    first, *lines = text.split("\r\n")
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    _, offer, _, *path = parts.path.split("/")
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, offer, path, query, headers)


def read_form(body: bytes) -> tuple[str, bytes]:
    """Return the path and the content of the file in a form."""
    boundary = body.partition(b"\r\n")[0]
    parts: dict[str, bytes] = {}
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'[ ;]name="(\w+)"', head)
        assert name, "a part of a form without a name"
        parts[name[1].decode()] = value.removesuffix(b"\r\n")
    return parts["path"].decode(), parts["file"]


def answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a JSON answer."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, body)


def content(file: Stored, wanted: str) -> Reply:
    """Return a file, or the range that is wanted of it."""
    digest = f"sha-256=:{b64encode(file.digest).decode()}:"
    headers = {"ETag": file.etag, "Repr-Digest": digest, "Accept-Ranges": "bytes"}
    headers["Content-Type"] = "application/octet-stream"
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
    if match is None:
        return Reply(200, headers, b"", file.place, 0, file.size)
    start, last = int(match[1]), int(match[2] or file.size - 1)
    headers["Content-Range"] = f"bytes {start}-{last}/{file.size}"
    return Reply(206, headers, b"", file.place, start, last + 1 - start)


def s3(file: Stored, request: Request) -> Reply:
    """Answer as S3 does, as far as moving one object needs."""
    if request.method == "GET":
        return content(file, request.headers.get("range", ""))
    if request.method == "HEAD":
        return Reply(200, {"ETag": file.etag, "Content-Type": "binary/octet-stream"}, size=file.size)
    if request.method == "PUT":
        return Reply(200, {"ETag": file.etag})
    name = "InitiateMultipartUploadResult" if "uploads" in request.query else "CompleteMultipartUploadResult"
    inside = "<Bucket>bucket</Bucket><Key>large.bin</Key><UploadId>1</UploadId><ETag>1</ETag>"
    return Reply(200, {"Content-Type": "application/xml"}, f"<{name}>{inside}</{name}>".encode())
