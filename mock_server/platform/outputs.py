"""What jobs wrote, as files of the storage."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

from mock_server.storage.file import StoredFile, guess_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.job import Job, OutputFile

CAPACITY = 1024


def output_files(cluster: ClusterBackend) -> dict[str, StoredFile]:
    """Return all outputs by path; of two jobs that wrote the same one, the later writer's."""
    found: dict[str, StoredFile] = {}
    for job in cluster.jobs.values():
        for file in job_files(job):
            known = found.get(file.path)
            if known is None or known.updated_at <= file.updated_at:
                found[file.path] = file
    return found


def job_files(job: Job) -> list[StoredFile]:
    """Return the outputs of one job, by path."""
    return [_file(job, job.outputs[path]) for path in sorted(job.outputs)]


def find_output(cluster: ClusterBackend, file_id: str) -> StoredFile | None:
    """Return the output with this id."""
    return next((file for job in cluster.jobs.values() for file in job_files(job) if file.id == file_id), None)


def remove_output(cluster: ClusterBackend, path: str) -> None:
    """Take the outputs at ``path`` from their jobs."""
    for job in cluster.jobs.values():
        job.outputs.pop(path, None)


def visible(shadows: Mapping[str, StoredFile], stored: list[StoredFile], folder: str) -> list[StoredFile]:
    """Return the stored files with those outputs below ``folder`` that they do not hide."""
    hidden = {file.path for file in stored}
    return stored + [file for path, file in shadows.items() if path.startswith(f"{folder}/") and path not in hidden]


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
