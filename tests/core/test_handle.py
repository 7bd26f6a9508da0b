"""A descriptor that several threads use is closed when nobody is at it, and whoever was torn away is not waited for."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.interrupt import Interrupt
from vantage_sdk.core.io import handle as module
from vantage_sdk.core.io.abort import Stopped
from vantage_sdk.core.io.handle import Handle


@pytest.fixture
def fd() -> Iterator[int]:
    fd = os.open(os.devnull, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_it_gives_the_descriptor_until_it_is_shut(fd: int) -> None:
    handle = Handle(fd)
    for _ in range(2):
        with handle.using() as used:
            assert used == fd
    handle.shut()
    handle.shut()
    with pytest.raises(Stopped), handle.using():
        pass


def test_shutting_waits_for_the_steps_of_other_threads(fd: int) -> None:
    handle, inside, go_on, order = Handle(fd), threading.Barrier(5), threading.Event(), list[str]()

    def step() -> None:
        with handle.using():
            inside.wait(60)
            go_on.wait(60)
            order.append("step")

    def shut() -> None:
        handle.shut()
        order.append("shut")

    steps = [threading.Thread(target=step) for _ in range(4)]
    closing = threading.Thread(target=shut)
    for thread in steps:
        thread.start()
    inside.wait(60)
    closing.start()
    while not handle._shut:
        closing.join(0.001)
    assert order == []
    with pytest.raises(Stopped), handle.using():
        pass
    go_on.set()
    for thread in [*steps, closing]:
        thread.join(60)
    assert order == ["step"] * 4 + ["shut"]


def test_a_step_that_fails_is_over(fd: int) -> None:
    handle = Handle(fd)
    with pytest.raises(OSError, match="disk"), handle.using():
        raise OSError("disk")
    handle.shut()


def test_no_descriptor_is_closed_under_the_hands_of_a_thread() -> None:
    """Without the handle, a thread would read from a stranger's file that got the same number."""
    for _ in range(100):
        fd = os.open(os.devnull, os.O_RDONLY)
        handle, started, strange = Handle(fd), threading.Barrier(5), list[OSError]()

        def read(
            handle: Handle = handle, started: threading.Barrier = started, strange: list[OSError] = strange
        ) -> None:
            started.wait(60)
            with contextlib.suppress(Stopped):
                while True:
                    with handle.using() as used:
                        try:
                            os.fstat(used)
                        except OSError as error:
                            strange.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        started.wait(60)
        handle.shut()
        os.close(fd)
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert strange == []


def test_a_thread_that_was_interrupted_anywhere_in_a_step_can_shut_it(fd: int) -> None:
    """In a thread of its own: Python leaves one that is interrupted like this with an exception it takes for current."""
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(_interrupted_everywhere, fd).result() > 10


def _interrupted_everywhere(fd: int) -> int:
    reached = 0
    for at in range(1, 1000):
        handle = Handle(fd)
        try:
            with Interrupt(at, module) as interrupt, handle.using():
                pass
        except KeyboardInterrupt as kept:  # its frames hold the step open, as they do while it goes up to the caller
            shutting = threading.Timer(0.5, _let_go, [handle])
            shutting.start()
            handle.shut()
            shutting.cancel()
            shutting.join()
            assert not getattr(handle, "stuck", False), f"place {at}: {kept!r}"
        if not interrupt.struck:
            break
        reached = at
    return reached


def _let_go(handle: Any) -> None:
    handle.stuck = True
    with handle._changed:
        handle._users.clear()
        handle._changed.notify_all()
