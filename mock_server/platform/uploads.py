"""Resumable uploads of the platform family: tus 1.0.0."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from mock_server.bodies import RawBody
from mock_server.errors import invalid_field
from mock_server.incoming import in_thread
from mock_server.platform import tus
from mock_server.platform.outputs import outputs_around
from mock_server.platform.storage import mount
from mock_server.routes import Call, Routes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mock_server.incoming import Incoming
    from mock_server.storage.file import StoredFile
    from mock_server.storage.upload import Upload
    from mock_server.storage.uploads import Uploads
    from mock_server.storage.writing import Writing

routes = Routes("uploads", prefix="/v1")


class OffsetBody(RawBody):
    """Bytes that belong at an offset."""

    media: ClassVar[str] = "application/offset+octet-stream"


@routes.options("/storage/files", status=204, assumed=True)
async def capabilities(call: Call[None, None]) -> Response:
    """Get upload capabilities."""
    return Response(status_code=204, headers=tus.describe_server(call.state.settings.storage_quota))


@routes.options("/storage/uploads", status=204, assumed=True)
async def options(call: Call[None, None]) -> Response:
    """Get resumable upload capabilities."""
    return await capabilities(call)


@routes.post(
    "/storage/uploads",
    status=201,
    assumed=True,
    conflicts=True,
    refusals=(412, 413, 460, 507),
    headers=(tus.RESUMABLE, tus.LENGTH, tus.DEFER, tus.METADATA, tus.CONCAT),
)
async def create(call: Call[None, None]) -> Response:
    """Begin resumable upload."""
    headers = call.request.headers
    tus.check_version(headers)
    metadata, concat = headers.get("upload-metadata", ""), headers.get("upload-concat", "")
    uploads, owner = call.state.storage.uploads, call.credential.user_id
    said: dict[str, Any] = {"metadata": metadata, "concat": concat}
    if concat.startswith("final;"):
        whole, parts = tus.read_target(metadata), tus.read_parts(concat)
        said["shadows"] = await outputs_around(call.state.cluster, whole.path)
        upload = await in_thread(lambda: uploads.join(owner, parts, whole, **said))
    elif concat in ("", "partial"):
        target, length = None if concat else tus.read_target(metadata), tus.read_length(headers)
        said["shadows"] = await outputs_around(call.state.cluster, None if target is None else target.path)
        upload = await in_thread(lambda: uploads.create(owner, length, target, **said))
    else:
        raise invalid_field("Upload-Concat", "Must be 'partial', or 'final;' and URLs")
    return _answer(call, upload, 201, {"Location": f"{mount(call)}{tus.UPLOADS}/{upload.id}"})


@routes.head("/storage/uploads/{upload_id}", status=200, assumed=True, refusals=(410, 412), headers=(tus.RESUMABLE,))
async def head(call: Call[None, None]) -> Response:
    """Get resumable upload offset."""
    tus.check_version(call.request.headers)
    async with _turn(call) as (uploads, owner, upload_id):
        upload = await in_thread(uploads.find, owner, upload_id)
    headers = {**tus.describe_upload(upload), "Cache-Control": "no-store"}
    headers |= {"Upload-Defer-Length": "1"} if upload.length is None else {"Upload-Length": str(upload.length)}
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    if upload.concat:
        headers["Upload-Concat"] = upload.concat
    return Response(headers=headers)


@routes.patch(
    "/storage/uploads/{upload_id}",
    status=204,
    assumed=True,
    conflicts=True,
    refusals=(410, 412, 460, 507),
    headers=(tus.RESUMABLE, tus.OFFSET, tus.CHECKSUM, tus.LENGTH),
)
async def append(call: Call[None, OffsetBody]) -> Response:
    """Append to resumable upload."""
    headers = call.request.headers
    tus.check_version(headers)
    offset = tus.read_count(headers, "Upload-Offset")
    if offset is None:
        raise invalid_field("Upload-Offset", "Is missing", "required")
    length, checksum = tus.read_count(headers, "Upload-Length"), tus.read_checksum(headers)
    incoming = call.body.incoming
    said: dict[str, Any] = {"length": length, "size": incoming.announced, "checksum": checksum}
    async with _turn(call, incoming) as (uploads, owner, upload_id):
        writing = await in_thread(lambda: uploads.write(owner, upload_id, offset, **said))
        upload = await _receive(call, writing, incoming)
    return _answer(call, upload, 204, {})


@routes.delete("/storage/uploads/{upload_id}", assumed=True, refusals=(410, 412), headers=(tus.RESUMABLE,))
async def terminate(call: Call[None, None]) -> Response:
    """Terminate resumable upload."""
    tus.check_version(call.request.headers)
    async with _turn(call) as (uploads, owner, upload_id):
        await in_thread(uploads.terminate, owner, upload_id)
    return Response(status_code=204, headers={"Tus-Resumable": tus.VERSION})


@asynccontextmanager
async def _turn(call: Call[Any, Any], incoming: Incoming | None = None) -> AsyncGenerator[tuple[Uploads, str, str]]:
    """Be alone at the upload of the path, which must be the caller's: nobody may stop the writers of others."""
    uploads, owner, upload_id = call.state.storage.uploads, call.credential.user_id, call.path["upload_id"]
    await in_thread(uploads.find, owner, upload_id)
    async with call.state.writers.turn(upload_id, incoming):
        yield uploads, owner, upload_id


async def _receive(call: Call[Any, Any], writing: Writing, incoming: Incoming) -> Upload:
    """Take the bytes in; those of a request that breaks off are kept as well, those of a refused one are not."""
    less = 0 if call.fault is None else call.fault.store_less or 0
    try:
        async with aclosing(incoming.pieces()) as pieces:
            async for piece in pieces:
                await in_thread(writing.write, piece)
    except ClientDisconnect:
        await in_thread(writing.keep, await _shadows(call, writing))
        raise
    except BaseException:
        await in_thread(writing.undo)
        raise
    shadows = await _shadows(call, writing)
    return await in_thread(lambda: writing.commit(shadows, less=less))


async def _shadows(call: Call[Any, Any], writing: Writing) -> dict[str, StoredFile]:
    target = writing.upload.target
    return await outputs_around(call.state.cluster, None if target is None else target.path)


def _answer(call: Call[Any, Any], upload: Upload, status: int, headers: dict[str, str]) -> Response:
    headers = {**tus.describe_upload(upload), **headers}
    if upload.file_id is not None:
        headers["Content-Location"] = f"{mount(call)}/v1/storage/files/{upload.file_id}"
    return Response(status_code=status, headers=headers)
