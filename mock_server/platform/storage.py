"""Stored files of the platform family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mock_server.exchange import json_response
from mock_server.incoming import in_thread
from mock_server.platform.download import download
from mock_server.platform.form import FileForm
from mock_server.platform.outputs import (
    find_output,
    open_output,
    output_files,
    outputs_around,
    outputs_listed,
    remove_output,
    visible,
)
from mock_server.platform.ranges import check_match
from mock_server.platform.storage_requests import IF_MATCH, IF_RANGE, RANGE, FileListing
from mock_server.platform.storage_views import WRONG, StorageFile, StorageFileList, view_file
from mock_server.routes import Call, Routes
from mock_server.storage.errors import ConflictError, MissingError
from mock_server.storage.file import Folder, StoredFile
from mock_server.storage.folders import find_folder

if TYPE_CHECKING:
    from mock_server.faults import Rule

routes = Routes("storage", prefix="/v1")


@routes.get("/storage/files")
async def list_(call: Call[FileListing, None]) -> StorageFileList:
    """List files."""
    query, store, cluster = call.query, call.state.storage, call.state.cluster
    shadows, folders = await outputs_listed(cluster, query.folder, recursive=query.recursive)
    one = await in_thread(store.catalogue.file_at, query.path) or shadows.get(query.path)
    if one is None:
        stored = await in_thread(store.files, query.folder)
        found = query.entries(visible(shadows, stored, query.folder), folders)
    else:
        found = query.entries([one], exactly=True)
    return {
        "files": [_view(file, call.fault, metadata=query.include_metadata) for file in query.cut(found)],
        "total": len(found),
        "page": query.number,
        "per_page": query.size,
    }


@routes.post("/storage/files", status=201, conflicts=True, refusals=(507,))
async def upload(call: Call[None, FileForm]) -> StorageFile | Response:
    """Upload file."""
    form = call.body
    if call.fault is not None and call.fault.store_less is not None:
        await in_thread(form.staged.shorten, call.fault.store_less)
    store, shadows = call.state.storage, await outputs_around(call.state.cluster, form.target.path)
    file = await in_thread(store.commit, form.staged, form.target, shadows)
    headers = {"ETag": file.etag, "Location": f"{mount(call)}/v1/storage/files/{file.id}"}
    return json_response(_view(file, call.fault), 201, headers)


@routes.get("/storage/files/{file_id}")
async def get(call: Call[None, None]) -> StorageFile | Response:
    """Get file metadata."""
    file = await _entry(call)
    view = _view(file, call.fault, metadata=True)
    return view if isinstance(file, Folder) else json_response(view, 200, {"ETag": file.etag})


@routes.get(
    "/storage/files/{file_id}/download",
    status=200,
    media=("*/*",),
    conflicts=True,
    refusals=(412, 416),
    partial=True,
    headers=(RANGE, IF_RANGE, IF_MATCH),
)
async def download_(call: Call[None, None]) -> Response:
    """Download file."""
    file = _only_file(await _entry(call))
    store, fault = call.state.storage, call.fault
    if fault is not None and fault.replace:
        content = await in_thread(_other_bytes, file.size, file.etag)
        file = await in_thread(lambda: store.put(file.path, content, content_type=file.content_type))
    if file.content is not None:
        return download(call.request, file, None, fault)
    file, reader = await open_output(call.state.cluster, file) if file.version else await in_thread(store.open, file)
    return download(call.request, file, reader, fault)


@routes.delete("/storage/files/{file_id}", conflicts=True, refusals=(412,), headers=(IF_MATCH,))
async def delete(call: Call[None, None]) -> None:
    """Delete file."""
    file = _only_file(await _entry(call))
    condition = call.request.headers.get("if-match")
    check_match(condition, file.etag)
    if file.blob:
        store = call.state.storage

        def check(there: StoredFile) -> None:
            check_match(condition, there.etag)

        await in_thread(store.delete, file.id, check)
    await remove_output(call.state.cluster, file.path)


def mount(call: Call[Any, Any]) -> str:
    """Return the prefix in front of the documented paths that this caller used, empty for none."""
    prefix = call.family.dialect.mount
    return prefix if call.request.scope["path"].startswith(prefix + "/") else ""


async def _entry(call: Call[Any, Any]) -> StoredFile | Folder:
    """Return the file or directory with the id of the path."""
    file_id, store, cluster = call.path["file_id"], call.state.storage, call.state.cluster
    found = await in_thread(store.file, file_id) or await find_output(cluster, file_id)
    if found is None and file_id.startswith("dir_"):
        stored = await in_thread(store.files)
        return _known(find_folder(visible(await output_files(cluster), stored, ""), file_id), file_id)
    return _known(found, file_id)


def _known(entry: StoredFile | Folder | None, file_id: str) -> StoredFile | Folder:
    if entry is None:
        raise MissingError("file", file_id)
    return entry


def _only_file(entry: StoredFile | Folder) -> StoredFile:
    if isinstance(entry, Folder):
        raise ConflictError(f"{entry.path} is a directory")
    return entry


def _view(file: StoredFile | Folder, fault: Rule | None, *, metadata: bool = False) -> StorageFile:
    checksum = WRONG if fault is not None and fault.wrong_checksum else None
    return view_file(file, metadata=metadata, checksum=checksum)


def _other_bytes(size: int, seed: str) -> bytes:
    """Return other bytes of the same size; the next ones are others again."""
    pattern = seed.encode()
    return (pattern * (size // len(pattern) + 1))[:size]
