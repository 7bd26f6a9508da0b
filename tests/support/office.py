"""A server of S9S that makes one export and one report in memory, and hands them out by the test's own rules."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.faces import Face
from tests.support.intake import KIB
from tests.support.s9s_answers import fault
from tests.support.scripted import CutAt, Json, Reply, Request, ScriptedServer, Step

Rule = Callable[["Office", Request], Step | list[Step]]
DOWNLOAD = "/v1/exports/exp_1/download"
ROWS = b"job_id,state\n12345,COMPLETED\n"
LARGE = hashlib.shake_256(b"exports").digest(300 * KIB + 7)


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def whole(office: Office, request: Request) -> Reply:
    """Answer with all of it whatever was asked, as a server without ranges."""
    return Reply(200, office.content, {"Content-Type": "text/csv"})


def ranged(office: Office, request: Request) -> Step:
    """Answer as a good server does."""
    etag = etag_of(office.content)
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.header("range") or "")
    if match is None or request.header("if-range") not in (None, etag):
        return Reply(200, office.content, headers)
    size = len(office.content)
    start, stop = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if start >= size:
        return fault(416, "RANGE_NOT_SATISFIABLE")
    headers["Content-Range"] = f"bytes {start}-{stop}/{size}"
    return Reply(206, office.content[start : stop + 1], headers)


def cut(size: int) -> Rule:
    """Answer as a good server, but with no more than so many bytes of the body, and close."""

    def rule(office: Office, request: Request) -> Step:
        reply: Any = ranged(office, request)
        head = reply.encode("GET").partition(b"\r\n\r\n")[0]
        return CutAt(len(head) + 4 + size, reply)

    return rule


class Office:
    """The script; downloads are answered by ``rules`` in turn, the last one for good.

    ``told`` are the fields of the export beside the usual ones; ``states`` those it goes through, one with each look.
    """

    def __init__(self, content: bytes, *rules: Rule, states: tuple[str, ...] = ("completed",), **told: Any) -> None:
        self.content = content
        self.rules = [*rules] or [ranged]
        self.states = [*states]
        self.told = told
        self.downloads: list[Request] = []

    def document(self) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        made = {"download_url": DOWNLOAD, "file_size": len(self.content)} if state == "completed" else {}
        return {"status": state, "download_url": None, "created_at": "2023-12-15T14:30:00Z", **made, **self.told}

    def __call__(self, request: Request, connection: int) -> Any:
        if request.path.endswith("/exports/exp_1"):
            return Json(200, {"export_id": "exp_1", **self.document()})
        if request.path.endswith("/reports"):
            return Json(200, {"reports": [{"report_id": "rep_1", **self.document()}], "total": 1})
        if not request.path.endswith("/download"):
            return fault(404, "RESOURCE_NOT_FOUND")
        self.downloads.append(request)
        rule = self.rules.pop(0) if len(self.rules) > 1 else self.rules[0]
        return rule(self, request)

    @property
    def ranges(self) -> list[str | None]:
        return [request.header("range") for request in self.downloads]


def left_beside(target: Path) -> list[str]:
    """Return what is in the folder of a download besides its target."""
    return sorted(name for name in os.listdir(target.parent) if name != target.name)


async def get(face: Face, office: Office, target: Path, export: Any = "exp_1", **options: Any) -> None:
    """Download an export."""
    with ScriptedServer(office) as server:
        async with face.s9s(server.url) as client:
            assert await client.exports.download(export, target, **options) == target
