"""The bytes of a file on their way to a caller, all of them or a part."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from mock_server.errors import ApiError
from mock_server.incoming import PIECE, in_thread
from mock_server.platform.ranges import UnsatisfiableError, check_match, parse_range, wants_range
from mock_server.platform.storage_views import WRONG
from mock_server.wire import http_date

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from mock_server.faults import Rule
    from mock_server.storage.blobs import BlobReader
    from mock_server.storage.file import StoredFile


def download(request: Request, file: StoredFile, reader: BlobReader | None, fault: Rule | None) -> Response:
    """Return the answer for what the request's headers ask for; without ``reader`` the file has its content itself."""
    check_match(request.headers.get("if-match"), file.etag)
    part = None if fault is not None and fault.ignore_range else _part(request, file)
    start, end = part or (0, file.size)
    headers = _headers(file, wrong=fault is not None and fault.wrong_checksum is not None)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 200 if part is None else 206
    if reader is None:
        return Response((file.content or b"")[start:end], status, headers)
    return StreamingResponse(_pieces(reader, start, end), status, headers)


def _part(request: Request, file: StoredFile) -> tuple[int, int] | None:
    asked = request.headers.get("range")
    if asked is None or not wants_range(request.headers.get("if-range"), file.etag):
        return None
    try:
        return parse_range(asked, file.size)
    except UnsatisfiableError:
        headers = {"Content-Range": f"bytes */{file.size}"}
        details = {"range": asked[:100], "size": file.size}
        raise ApiError(416, "The range is not within the file", details=details, headers=headers) from None


def _headers(file: StoredFile, *, wrong: bool) -> dict[str, str]:
    headers = {
        "Content-Type": file.content_type,
        "ETag": file.etag,
        "Accept-Ranges": "bytes",
        "Last-Modified": http_date(file.updated_at),
        "Content-Disposition": _disposition(file.name),
    }
    if file.sha256:
        digest = bytes.fromhex(WRONG if wrong else file.sha256)
        headers["Repr-Digest"] = f"sha-256=:{b64encode(digest).decode()}:"
    return headers


def _disposition(name: str) -> str:
    """Return the header that suggests a file name, also for those that HTTP cannot spell."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'


async def _pieces(reader: BlobReader, start: int, end: int) -> AsyncGenerator[bytes]:
    try:
        while start < end:
            piece = await in_thread(reader.read, start, min(PIECE, end - start))
            if not piece:
                raise EOFError("the file is shorter than the catalogue says")
            start += len(piece)
            yield piece
    finally:
        reader.close()
