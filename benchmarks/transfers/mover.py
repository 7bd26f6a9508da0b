"""The process of one transfer: it moves a small file, then what it is told, and prints what that cost."""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Protocol

from benchmarks.transfers.ground import MIB, few

PEAK = "VmHWM:"


class Client(Protocol):
    """What a client can be told to do, beside the calls; those return how many bytes they moved."""

    def warm(self) -> None:
        """Load all that transfers need."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def main(peer: str, call: str, url: str, offer: str, folder: str, *arguments: str) -> None:
    """Print the cost of one call of a peer as JSON."""
    client: Client = importlib.import_module(f"benchmarks.transfers.{peer}").Client(url, offer, Path(folder))
    client.warm()
    gc.collect()
    memory, cpu, wall = peak(), time.process_time(), time.perf_counter()
    moved: int = getattr(client, call)(*map(int, arguments))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert moved == expected(call, Path(folder)), "not all was moved"
    stall: float = getattr(client, "stall", 0.0)
    cost = {"cpu": cpu, "wall": wall, "rate": moved / MIB / wall, "memory": peak() - memory, "stall": stall}
    client.close()
    print(json.dumps(cost))


def expected(call: str, folder: Path) -> int:
    """Return how many bytes a call has to move."""
    if call.endswith("_singly"):
        return sum(map(size, few(folder / "small")))
    return size(folder / ("small" if call.endswith("_files") else "large.bin"))


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(map(size, path.iterdir())) if path.is_dir() else path.stat().st_size


def peak() -> float:
    """Return the most memory this process has had, in MiB.

    Linux begins to count for ``getrusage`` before a program is loaded, with what the process that started it had.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (MIB if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(PEAK)) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
