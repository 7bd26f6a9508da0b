"""One flight at a time; whoever waits is told, wherever it waits."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from vantage_sdk.core.io.abort import Abort, Stopped
from vantage_sdk.core.io.asynchronous import AnyIO
from vantage_sdk.core.io.flights import Flight, Hangar, seen
from vantage_sdk.core.io.settings import Settings


def never() -> bool:
    return False


def test_there_is_one_flight_until_it_has_landed() -> None:
    hangar: Hangar[str] = Hangar()
    flight, is_new = hangar.board(never)
    assert flight is not None
    assert is_new
    assert hangar.board(never) == (flight, False)
    flight.land("x")
    assert (flight.landed, flight.outcome) == (True, "x")
    assert hangar.board(lambda: True) == (None, False)
    following, is_new = hangar.board(never)
    assert is_new
    assert following is not flight


def test_a_flight_lands_once() -> None:
    flight: Flight[str] = Flight()
    flight.land("x")
    flight.land()
    flight.land("y")
    assert flight.outcome == "x"


def test_who_leaves_is_not_woken() -> None:
    flight: Flight[str] = Flight()
    woken: list[int] = []

    def wake() -> None:
        woken.append(1)

    flight.watch(wake)
    flight.leave(wake)
    flight.land()
    assert woken == []
    flight.watch(wake)
    assert woken == [1]


def test_waiting_ends_with_the_time_or_with_the_flight() -> None:
    flight: Flight[str] = Flight()
    assert not seen(flight, 0.0)
    assert not seen(flight, -1.0)
    thread = threading.Thread(target=flight.land, args=("x",))
    thread.start()
    assert seen(flight, None)
    thread.join()


def test_waiting_ends_when_it_is_called_off() -> None:
    flight: Flight[str] = Flight()
    abort = Abort()
    thread = threading.Thread(target=abort.throw)
    thread.start()
    with pytest.raises(Stopped):
        seen(flight, 10, abort)
    thread.join()


def test_a_fork_leaves_the_flight_of_the_parent_behind() -> None:
    hangar: Hangar[str] = Hangar()
    flight, _ = hangar.board(never)
    hangar.after_fork()
    assert hangar.board(never)[0] is not flight


def port() -> AnyIO:
    return AnyIO(Settings(), "here")


def test_a_flight_whose_task_never_began_has_landed() -> None:
    """A task that is cancelled before its first step runs none of its code."""
    flight: Flight[str] = Flight()

    async def main() -> None:
        async def call() -> None:
            raise AssertionError

        await port().launch(call, flight)
        assert flight.task is not None
        flight.task._task.cancel()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert (flight.landed, flight.outcome) == (True, None)


def test_a_flight_whose_event_loop_was_closed_has_landed() -> None:
    flight: Flight[str] = Flight()
    loop = asyncio.new_event_loop()

    async def endless() -> None:
        await asyncio.Event().wait()

    loop.run_until_complete(port().launch(endless, flight))
    assert not flight.landed
    task: Any = flight.task
    task._task._log_destroy_pending = False
    loop.close()
    assert flight.landed


def test_an_event_loop_waits_for_a_flight_of_another() -> None:
    flight: Flight[str] = Flight()
    arrived = threading.Barrier(2)
    seen_by: list[bool] = []

    async def waiting() -> None:
        arrived.wait(60)
        seen_by.append(await port().landed(flight, 10))

    thread = threading.Thread(target=lambda: asyncio.run(waiting()))
    thread.start()
    arrived.wait(60)
    flight.land("x")
    thread.join(60)
    assert seen_by == [True]


def test_an_event_loop_that_ended_meanwhile_is_not_woken() -> None:
    flight: Flight[str] = Flight()
    wakers: list[Any] = []
    flight.watch = wakers.append  # type: ignore[method-assign]

    async def waiting() -> None:
        assert not await port().landed(flight, 0.0)

    asyncio.run(waiting())
    wakers[0]()
