"""The stored files that the documented examples refer to."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mock_server.storage.store import Seed

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600.0
DAY = 24 * HOUR
LARGE = 1024 * 1024 + 77  # no multiple of what anybody reads at a time


def seeds() -> Iterator[Seed]:
    """Yield the files, as old as they would be there."""
    line = b"The quick brown fox jumps over the lazy dog.\n"
    yield Seed("/datasets/remote-file.txt", (line * 23)[:1023] + b"\n", "file_789", age=DAY)
    yield Seed("/datasets/small-file.txt", b"Hello World!\n", age=2 * DAY)
    yield Seed("/datasets/large-file.tar.gz", random.Random(789).randbytes(LARGE), age=3 * DAY)
    yield Seed("/datasets/remote-dir/readme.md", b"# Samples\n\nTwo tables.\n", age=5 * HOUR)
    yield Seed("/datasets/remote-dir/.hidden", b"kept\n", age=4 * HOUR)
    yield Seed("/datasets/remote-dir/empty.bin", b"", age=4 * HOUR)
    yield Seed("/datasets/remote-dir/tables/first.csv", b"id,value\n1,0.5\n", age=3 * HOUR)
    yield Seed("/datasets/remote-dir/tables/second.csv", b"id,value\n2,0.75\n", age=2 * HOUR)
