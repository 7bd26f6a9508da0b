"""Sixteen processes with one destination: a whole file of one of them, one heir of a partial file, nothing left over."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.reference import ROOT

PROCESSES = 16
SIZE = 200_000
OLD = ".file.0123456789abcdef.part"
PROGRAM = """
import errno, fcntl, sys
from vantage_sdk.core.io.destination import Destination
from vantage_sdk.core.io.disk import write_at

number, size, path, old, locks = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]

def missing(fd, operation):
    raise OSError(errno.ENOSYS, "no locks here")

if locks != "as they are":
    fcntl.flock = missing if locks == "missing" else lambda fd, operation: None
print("ready", flush=True)
sys.stdin.readline()
with Destination.at(path) as destination:
    name = destination.partial_name()
    fd = destination.adopt(old, name)
    print("heir" if fd is not None else "none", flush=True)
    if fd is None:
        fd = destination.create(name)
    for offset in range(0, size, 1000):
        write_at(fd, bytes([number]) * 1000, offset)
    destination.commit(name, fd)
"""


@pytest.mark.parametrize("locks", ["as they are", "missing", "without effect"])
def test_sixteen_processes(locks: str, tmp_path: Path) -> None:
    (tmp_path / OLD).write_bytes(b"half")
    command = [sys.executable, "-c", PROGRAM]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, str(number), str(SIZE), str(tmp_path / "file"), OLD, locks],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(PROCESSES)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0] for process in running]
        assert [process.returncode for process in running] == [0] * PROCESSES
    assert sorted(said) == ["heir\n"] + ["none\n"] * (PROCESSES - 1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    content = (tmp_path / "file").read_bytes()
    assert len(content) == SIZE
    assert len(set(content)) == 1
