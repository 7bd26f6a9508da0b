"""What jobs wrote, as files of the storage."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

from mock_server.cluster.shared_files import MissingFileError
from mock_server.incoming import in_thread
from mock_server.storage.blobs import BlobReader
from mock_server.storage.errors import MissingError
from mock_server.storage.file import Folder, StoredFile, guess_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job, OutputFile
    from mock_server.cluster.shared_files import SharedFile

CAPACITY = 1024
SHARED = "out_"
"""How the id of a file begins that is on the cluster's file system; the rest of it is the path."""


async def output_files(cluster: ClusterBackend, folder: str = "") -> dict[str, StoredFile]:
    """Return the outputs below a directory by path; of two jobs that wrote the same one, the later writer's."""
    if cluster.files is not None:
        return _by_path(await in_thread(cluster.files.below, folder))
    found: dict[str, StoredFile] = {}
    for job in cluster.jobs.values():
        for file in _written(job):
            known = found.get(file.path)
            if known is None or known.updated_at <= file.updated_at:
                found[file.path] = file
    return found


async def outputs_listed(
    cluster: ClusterBackend, path: str, *, recursive: bool
) -> tuple[dict[str, StoredFile], list[Folder]]:
    """Return the outputs at a path and from which a directory's entries follow, and directories without any."""
    if cluster.files is None:
        return await output_files(cluster), []
    one = await in_thread(cluster.files.at, path)
    if one is not None:
        return _by_path([one]), []
    if recursive:
        return await output_files(cluster, path), []
    files, folders = await in_thread(cluster.files.inside, path)
    return _by_path(files), [Folder(each.path, each.written_at, each.written_at) for each in folders]


async def outputs_around(cluster: ClusterBackend, path: str | None) -> dict[str, StoredFile]:
    """Return those outputs that could be in the way of a file at a path."""
    if cluster.files is None:
        return await output_files(cluster)
    return {} if path is None else _by_path(await in_thread(cluster.files.around, path))


async def job_files(cluster: ClusterBackend, job: Job) -> list[StoredFile]:
    """Return the outputs of one job, by path."""
    if cluster.files is None:
        return _written(job)
    found = _by_path(await in_thread(cluster.files.below, job.output_directory))
    return [found[path] for path in sorted(found)]


async def find_output(cluster: ClusterBackend, file_id: str) -> StoredFile | None:
    """Return the output with this id."""
    if cluster.files is None:
        return next((file for job in cluster.jobs.values() for file in _written(job) if file.id == file_id), None)
    path = _path(file_id)
    found = None if path is None else await in_thread(cluster.files.at, path)
    return None if found is None else _shared(found)


async def open_output(cluster: ClusterBackend, file: StoredFile) -> tuple[StoredFile, BlobReader]:
    """Return an output on the cluster's file system as it is now, and a reader of its bytes."""
    if cluster.files is None:
        raise MissingError("file", file.id)
    try:
        found, content = await in_thread(cluster.files.open, file.path)
    except MissingFileError:
        raise MissingError("file", file.id) from None
    return _shared(found), BlobReader(content)


async def remove_output(cluster: ClusterBackend, path: str) -> None:
    """Take the outputs at ``path`` from their jobs."""
    if cluster.files is not None:
        await in_thread(cluster.files.remove, path)
    for job in cluster.jobs.values() if cluster.files is None else ():
        job.outputs.pop(path, None)


def visible(shadows: Mapping[str, StoredFile], stored: list[StoredFile], folder: str) -> list[StoredFile]:
    """Return the stored files with those outputs below ``folder`` that they do not hide."""
    hidden = {file.path for file in stored}
    return stored + [file for path, file in shadows.items() if path.startswith(f"{folder}/") and path not in hidden]


def _written(job: Job) -> list[StoredFile]:
    return [_file(job, job.outputs[path]) for path in sorted(job.outputs)]


def _by_path(files: Iterable[SharedFile]) -> dict[str, StoredFile]:
    return {file.path: _shared(file) for file in files}


def _shared(file: SharedFile) -> StoredFile:
    return StoredFile(
        id=SHARED + urlsafe_b64encode(file.path.encode()).decode().rstrip("="),
        path=file.path,
        size=file.size,
        content_type=guess_type(file.path),
        sha256="",
        created_at=file.written_at,
        updated_at=file.written_at,
        version=file.version,
    )


def _path(file_id: str) -> str | None:
    """Return the path in the id of a file on the cluster's file system."""
    if not file_id.startswith(SHARED):
        return None
    text = file_id.removeprefix(SHARED)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return None


def _file(job: Job, file: OutputFile) -> StoredFile:
    return StoredFile(
        id="file_" + blake2b(f"{job.id}\0{file.path}".encode(), digest_size=6).hexdigest(),
        path=file.path,
        size=len(file.content),
        content_type=guess_type(file.path),
        sha256=_digest(file.content),
        created_at=file.written_at,
        updated_at=file.written_at,
        content=file.content,
    )


@lru_cache(CAPACITY)
def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
