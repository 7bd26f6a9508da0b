"""A storage that takes uploads in pieces and misbehaves on request: uploads in memory, answered by the test's own rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.scripted import Json, Reply, Request, Step
from vantage_sdk.core.transfer import appending, directories, download, outgoing, spans, upload, uploading

KIB = 1 << 10
TUS = {"Tus-Resumable": "1.0.0"}
EXTENSIONS = "creation,creation-defer-length,concatenation,termination"

Answer = Step | list[Step]
Rule = Callable[[Request], Answer | None]


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 64 KiB be what 8 MiB are, and move nothing in parts side by side."""
    for module, names in {
        upload: ("WHOLE",),
        uploading: ("WHOLE",),
        directories: ("WHOLE",),
        outgoing: ("WHOLE", "PIECE"),
        download: ("KEPT", "PART"),
        appending: ("SMALLEST", "FIRST", "LARGEST"),
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, 64 * KIB)
    monkeypatch.setattr(spans, "CUT", KIB)  # at which parts are cut
    monkeypatch.setattr(upload, "APART", 1 << 40)
    monkeypatch.setattr(download, "APART", 1 << 40)


def in_turn(method: str, *answers: Answer | None) -> Rule:
    """Answer the requests of a method in turn, where ``None`` is the usual answer, as is any after the last one."""
    left = list(answers)
    return lambda request: left.pop(0) if request.method == method and left else None


def always(method: str, answer: Answer) -> Rule:
    return lambda request: answer if request.method == method else None


class Intake:
    """The script of a server on which a complete upload becomes ``/f``; a rule may answer in its stead."""

    def __init__(self, *rules: Rule, digest: bool = True) -> None:
        self.rules = list(rules)
        self.digest = digest
        self.held: dict[str, bytearray] = {}
        self.lengths: dict[str, str | None] = {}
        self.made: list[str] = []
        self.removed: list[str] = []
        self.patched: list[str] = []
        self.stored: bytes | None = None

    def __call__(self, request: Request, connection: int) -> Answer:
        if request.method == "PATCH":
            self.patched.append(request.path)
        for rule in self.rules:
            if (answer := rule(request)) is not None:
                return answer
        usual: Callable[[Request], Answer] = getattr(self, f"_{request.method.lower()}")
        return usual(request)

    def _options(self, request: Request) -> Answer:
        return Reply(204, b"", {**TUS, "Tus-Version": "1.0.0", "Tus-Extension": EXTENSIONS})

    def _post(self, request: Request) -> Answer:
        joined = request.header("upload-concat") or ""
        if joined.startswith("final"):
            self.stored = b"".join(self.held[link] for link in joined.partition(";")[2].split())
            return Reply(201, b"", {**TUS, "X-File-Id": "file_1"})
        link = f"/v1/storage/uploads/u{len(self.made)}"
        self.made.append(link)
        self.held[link] = bytearray()
        self.lengths[link] = None if joined else request.header("upload-length")
        return Reply(201, b"", {**TUS, "Location": link})

    def _head(self, request: Request) -> Answer:
        return Reply(200, b"", self._state(request.path))

    def _patch(self, request: Request) -> Answer:
        held = self.held[request.path]
        assert request.header("upload-offset") == str(len(held))
        held += request.body
        length = request.header("upload-length") or self.lengths[request.path]
        headers = self._state(request.path)
        if length == str(len(held)):
            self.stored = bytes(held)
            headers["X-File-Id"] = "file_1"
        return Reply(204, b"", headers)

    def _delete(self, request: Request) -> Answer:
        self.removed.append(request.path)
        return Reply(204, b"", TUS)

    def _get(self, request: Request) -> Answer:
        if request.path == "/v1/storage/files":
            files = [] if self.stored is None else [self._file(self.stored)]
            return Json(200, {"files": files, "total": len(files), "page": 1, "per_page": 100})
        return Json(404, {"error": "not_found"}) if self.stored is None else Json(200, self._file(self.stored))

    def _state(self, link: str) -> dict[str, str]:
        return {**TUS, "Upload-Offset": str(len(self.held[link]))}

    def _file(self, content: bytes) -> dict[str, Any]:
        file: dict[str, Any] = {"id": "file_1", "path": "/f", "type": "file", "size": len(content)}
        if self.digest:
            file["checksum"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return file
