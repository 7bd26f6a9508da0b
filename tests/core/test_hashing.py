"""The digest of a file that is being written is that of its bytes, in whatever order they came."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.interrupt import Interrupt
from vantage_sdk.core.io import hashing
from vantage_sdk.core.io.abort import Stopped
from vantage_sdk.core.io.disk import write_at
from vantage_sdk.core.io.handle import Handle
from vantage_sdk.core.io.hashing import RunningHash

DATA = random.Random(7).randbytes((3 << 20) + 12_345)


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "partial", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


class Running:
    """A digest computed in a thread."""

    def __init__(self, running: RunningHash) -> None:
        self._running = running
        self.result: list[bytes | BaseException] = []
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        try:
            self.result.append(self._running.run())
        except BaseException as error:
            self.result.append(error)

    def end(self) -> bytes | BaseException:
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.result[0]


def test_it_waits_for_what_is_still_missing(fd: int) -> None:
    digest = RunningHash(Handle(fd), len(DATA))
    running = Running(digest)
    for start in range(0, len(DATA), 333_333):
        assert running.result == []
        write_at(fd, DATA[start : start + 333_333], start)
        digest.advance(min(len(DATA), start + 333_333))
        digest.advance(start)  # an older word changes nothing
    assert running.end() == hashlib.sha256(DATA).digest()


def test_nothing_needs_no_waiting(fd: int) -> None:
    assert RunningHash(Handle(fd), 0).run() == hashlib.sha256().digest()


def test_what_is_behind_the_size_does_not_count(fd: int) -> None:
    write_at(fd, DATA, 0)
    digest = RunningHash(Handle(fd), 1000)
    digest.advance(len(DATA))
    assert digest.run() == hashlib.sha256(DATA[:1000]).digest()


def test_it_ends_when_it_is_stopped_while_it_waits(fd: int) -> None:
    digest = RunningHash(Handle(fd), len(DATA))
    running = Running(digest)
    digest.stop()
    assert isinstance(running.end(), Stopped)
    with pytest.raises(Stopped):
        digest.run()


def test_it_ends_when_the_file_is_shut(fd: int) -> None:
    handle = Handle(fd)
    digest = RunningHash(handle, len(DATA))
    write_at(fd, DATA, 0)
    handle.shut()
    digest.advance(len(DATA))
    with pytest.raises(Stopped):
        digest.run()


def test_a_file_that_somebody_cuts_short_is_an_error(fd: int) -> None:
    digest = RunningHash(Handle(fd), len(DATA))
    write_at(fd, DATA[:-1], 0)
    digest.advance(len(DATA))
    with pytest.raises(OSError, match="cut short by somebody else"):
        digest.run()


def test_a_writer_that_was_interrupted_anywhere_can_stop_it(fd: int) -> None:
    reached = 0
    for at in range(1, 1000):
        digest = RunningHash(Handle(fd), len(DATA))
        running = Running(digest)
        try:
            with Interrupt(at, hashing) as interrupt:
                digest.advance(0)
        except KeyboardInterrupt:
            reached = at
        digest.stop()
        assert isinstance(running.end(), Stopped), f"place {at}"
        if not interrupt.struck:
            break
    assert reached > 3
