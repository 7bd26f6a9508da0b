"""A storage that misbehaves on request: files in memory, answered over plain sockets by the test's own rules."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.support.scripted import Json, Reply, Request, Step

Answer = Step | list[Step]
Download = Callable[["Depot", Request, bytes], Answer]


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def ranged(depot: Depot, request: Request, content: bytes) -> Answer:
    """Answer a download as a good server does."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.header("range") or "")
    pinned = request.header("if-range")
    if match is None or (pinned is not None and pinned != depot.etag(content)):
        return whole(depot, request, content)
    start, stop = int(match[1]), min(int(match[2] or len(content) - 1), len(content) - 1)
    if start >= len(content):
        return Json(416, {"error": "range_not_satisfiable", "message": "no"})
    headers = {**depot.headers(content), "Content-Range": f"bytes {start}-{stop}/{len(content)}"}
    return Reply(206, content[start : stop + 1], headers)


def whole(depot: Depot, request: Request, content: bytes) -> Answer:
    """Answer with the whole file whatever was asked."""
    return Reply(200, content, depot.headers(content))


class Depot:
    """The script of a server with one file, ``/f``, whose downloads are answered by ``rules`` in turn, the last one for good."""

    def __init__(self, content: bytes, *rules: Download, pinned: bool = True, digest: bool = True) -> None:
        self.content = content
        self.rules = list(rules) or [ranged]
        self.pinned = pinned
        self.digest = digest
        self.asked: list[Request] = []

    def __call__(self, request: Request, connection: int) -> Any:
        if request.path == "/v1/storage/files":
            return Json(
                200, {"files": [self.file(request.query.get("path", "/"))], "total": 1, "page": 1, "per_page": 100}
            )
        assert unquote(request.path) == "/v1/storage/files/file_1/download", request.path
        self.asked.append(request)
        rule = self.rules.pop(0) if len(self.rules) > 1 else self.rules[0]
        return rule(self, request, self.content)

    def file(self, path: str) -> dict[str, Any]:
        file: dict[str, Any] = {"id": "file_1", "path": path, "type": "file", "size": len(self.content)}
        if self.pinned:
            file["etag"] = etag_of(self.content)
        if self.digest:
            file["checksum"] = f"sha256:{hashlib.sha256(self.content).hexdigest()}"
        return file

    def etag(self, content: bytes) -> str | None:
        return etag_of(content) if self.pinned else None

    def headers(self, content: bytes) -> dict[str, str]:
        headers = {"ETag": etag_of(content)} if self.pinned else {}
        if self.digest:
            headers["Repr-Digest"] = f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"
        return headers

    @property
    def ranges(self) -> list[str | None]:
        return [request.header("range") for request in self.asked]
