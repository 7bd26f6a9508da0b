"""Work in threads beside an event loop: undone when nobody wants it any more, and never waiting for a loop that is gone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from tests.support.faces import Face
from vantage_sdk.core.io import threads
from vantage_sdk.core.io.abort import Abort, Stopped
from vantage_sdk.core.io.threads import threaded, told

name: ContextVar[str] = ContextVar("name")


@pytest.fixture(params=["asyncio", "trio"])
def face(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


def ended() -> bool:
    """Wait until all threads of asyncio's loops have ended."""
    for thread in threading.enumerate():
        if thread.name.startswith("AnyIO"):
            thread.join(60)
            if thread.is_alive():
                return False
    return True


async def test_it_returns_and_raises_what_the_function_does(face: Face) -> None:
    assert await threaded(lambda: 7, Abort()) == 7
    assert await threaded(lambda: 7) == 7
    with pytest.raises(ValueError, match="no"):
        await threaded(lambda: int("no"), Abort(), lambda _: None)


async def test_what_comes_too_late_is_undone(face: Face) -> None:
    begun, undone = threading.Event(), list[int]()
    abort = Abort()

    def work() -> int:
        begun.set()
        with pytest.raises(Stopped):
            abort.pause(30)
        return 7

    async def run() -> None:
        await threaded(work, abort, undone.append)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        while not begun.is_set():  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()
    assert undone == [7]


async def test_who_is_cancelled_before_it_began_waits_for_nothing(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 3600)
    done = list[int]()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await threaded(lambda: done.append(1), Abort())
    assert scope.cancelled_caught
    assert done == []


async def test_those_that_wait_for_others_take_nobody_s_place(face: Face) -> None:
    """More of them than an event loop has threads."""
    together = threading.Barrier(60)
    async with anyio.create_task_group() as group:
        for _ in range(60):

            async def wait() -> None:
                await threaded(lambda: together.wait(20), waits=True)

            group.start_soon(wait)
    assert not together.broken


async def test_a_report_is_made_in_the_thread_and_context_of_the_caller(face: Face) -> None:
    seen: list[Any] = []
    name.set("mine")
    report = told(lambda *done: seen.append((*done, threading.get_ident(), name.get())))
    report(1, 2)
    await threaded(lambda: report(2, 2), Abort())
    await threaded(lambda: report(3, 2))
    assert seen == [(count, 2, threading.get_ident(), "mine") for count in (1, 2, 3)]


@pytest.mark.parametrize("error", [ValueError("no"), RuntimeError("no"), TimeoutError("no"), StopIteration("no")])
async def test_what_a_report_raises_is_raised_in_the_thread(error: Exception, face: Face) -> None:
    def refuse() -> None:
        raise error

    report = told(refuse)

    def work() -> BaseException | None:
        try:
            report()
        except BaseException as caught:
            return caught
        return None

    assert await threaded(work, Abort()) is error


def leave_a_thread(last: Callable[[Callable[..., None]], None]) -> list[BaseException]:
    """Let a loop end while a thread, which nobody waits for any more, is about to report."""
    begun, loop_is_gone, raised = threading.Event(), threading.Event(), list[BaseException]()

    async def main() -> None:
        report = told(lambda: None)

        def work() -> None:
            begun.set()
            loop_is_gone.wait(20)
            try:
                last(report)
            except BaseException as error:
                raised.append(error)

        task = asyncio.ensure_future(threaded(work, Abort()))
        while not begun.is_set():  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.001)
        for _ in range(2):  # the second one does not let it wait for the thread
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    loop_is_gone.set()
    assert ended()
    return raised


def test_a_thread_outlives_its_loop_without_waiting_for_it() -> None:
    assert leave_a_thread(lambda report: None) == []
    assert [type(error) for error in leave_a_thread(lambda report: report())] == [Stopped]


def test_a_loop_that_stands_still_is_not_waited_for_either() -> None:
    begun, stands, raised = threading.Event(), threading.Event(), list[type[BaseException]]()
    calls: list[int] = []
    loop = asyncio.new_event_loop()

    async def main() -> None:
        report = told(lambda: calls.append(1))

        def work() -> None:
            begun.set()
            stands.wait(20)
            try:
                report()
            except BaseException as error:
                raised.append(type(error))

        task = asyncio.ensure_future(threaded(work, Abort()))
        while not begun.is_set():  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.001)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])

    loop.run_until_complete(main())
    stands.set()
    end = time.monotonic() + 60
    while not raised:
        assert time.monotonic() < end
        threading.Event().wait(0.01)
    loop.run_until_complete(asyncio.sleep(0))  # what nobody waits for is not reported any more
    loop.close()
    assert raised == [Stopped]
    assert calls == []
    assert ended()
