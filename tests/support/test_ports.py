"""Rows of ports: nobody gets those of another, and nobody those of a program that knows nothing of rows."""

from __future__ import annotations

import socket
import subprocess
import sys

from tests.support.ports import FIRST, LAST, ROW, Ports

OTHER = (
    "import sys\nfrom tests.support.ports import Ports\nown = Ports(16)\nprint(own.first, flush=True)\nsys.stdin.read()"
)


def _other() -> subprocess.Popen[str]:
    return subprocess.Popen((sys.executable, "-c", OTHER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_have_different_ones() -> None:
    own = Ports(16)
    with _other() as one, _other() as two:
        assert one.stdout is not None
        assert two.stdout is not None
        first = {own.first, int(one.stdout.readline()), int(two.stdout.readline())}
        assert len(first) == 3
        assert all((each - FIRST) % ROW == 0 for each in first)
        one.kill()
        two.kill()
    own.close()


def test_one_that_is_in_use_is_passed_over() -> None:
    free = Ports(16)
    free.close()
    with socket.socket() as used:
        used.bind(("127.0.0.1", free.first + 7))
        used.listen()
        other = Ports(16)
        assert FIRST <= other.first < LAST
        assert other.first != free.first
        other.close()
