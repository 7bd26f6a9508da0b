"""The files that are moved, and the server that has them: in memory where that is possible, and gone afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import finish, start

MIB = 1 << 20
FULL, SHORT = 1024, 256  # MiB; below 256 nothing would go in parts side by side
ROOM = 5  # files of that size that are there at the same time, at the most
FILES, FEWER, FILE_SIZE = 10_000, 500, 1024
SINGLY = 200  # of them go one by one, which takes its time
SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything is; ``secure`` and ``authority`` are missing where no certificate can be made."""

    folder: Path
    digest: str
    server: int
    plain: str
    secure: str | None
    authority: str | None

    @property
    def large(self) -> Path:
        return self.folder / "large.bin"

    @property
    def small(self) -> Path:
        return self.folder / "small"

    @property
    def new(self) -> Path:
        """What a transfer writes to; it is removed after each."""
        return self.folder / "new"

    def clear(self) -> None:
        """Remove what a transfer has written."""
        for path in self.folder.glob("new*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def amounts(scale: float) -> tuple[int, int]:
    """Return the MiB of the large file, and how many small ones there are."""
    return (FULL, FILES) if scale >= 1 else (SHORT, FEWER)


@contextmanager
def prepared(scale: float) -> Generator[Ground]:
    """Make the files, larger ones for a full scale, run the server, and remove everything in the end."""
    size, count = amounts(scale)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=roomy(ROOM * size * MIB)) as name:
        folder = Path(name)
        digest = write_large(folder / "large.bin", size)
        write_small(folder / "small", count)
        server = start([sys.executable, "-m", "benchmarks.transfers.server", name, digest])
        try:
            assert server.stdout is not None
            where = json.loads(server.stdout.readline())
            yield Ground(folder, digest, server.pid, where["plain"], where["secure"], where["authority"])
        finally:
            finish(server)


def roomy(size: int) -> Path | None:
    """Return the file system in memory if there is one with room, else what is usual for temporary files."""
    usable = SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK)
    return SHARED_MEMORY if usable and shutil.disk_usage(SHARED_MEMORY).free > size else None


def write_large(path: Path, mebibytes: int) -> str:
    """Write a file in which no two MiB are the same, and return its sha256."""
    digest, block = hashlib.sha256(), os.urandom(MIB - 8)
    with path.open("wb") as file:
        for number in range(mebibytes):
            piece = number.to_bytes(8, "big") + block
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def few(folder: Path) -> list[Path]:
    """Return the files that go one by one."""
    return sorted(folder.iterdir())[:SINGLY]


def write_small(folder: Path, count: int) -> None:
    """Write so many files of 1 KiB."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05}.bin").write_bytes(os.urandom(FILE_SIZE))
