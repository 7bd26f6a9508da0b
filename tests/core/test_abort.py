"""A switch that calls off what other threads do, once and for good."""

from __future__ import annotations

import threading
import time

import pytest

from vantage_sdk.core.io.abort import Abort, Stopped


def test_nothing_is_called_off_until_it_is_thrown() -> None:
    abort = Abort()
    abort.check()
    abort.pause(0)
    assert not abort.thrown
    abort.throw()
    assert abort.thrown
    with pytest.raises(Stopped):
        abort.check()
    with pytest.raises(Stopped):
        abort.pause(60)


def test_who_holds_it_is_told_once() -> None:
    abort, told = Abort(), list[str]()
    numbers = [abort.hold(lambda name=name: told.append(name)) for name in "abc"]  # type: ignore[misc]
    assert len(set(numbers)) == 3
    abort.let_go(numbers[1])
    abort.let_go(numbers[1])
    abort.throw()
    abort.throw()
    assert told == ["a", "c"]
    abort.let_go(numbers[0])


def test_it_cannot_be_held_any_more_once_it_is_thrown() -> None:
    abort, told = Abort(), list[int]()
    abort.throw()
    with pytest.raises(Stopped):
        abort.hold(lambda: told.append(1))
    assert told == []


def test_a_pause_ends_when_it_is_thrown() -> None:
    abort, waiting, stopped = Abort(), threading.Barrier(9), list[float]()

    def wait() -> None:
        waiting.wait(60)
        with pytest.raises(Stopped):
            abort.pause(60)
        stopped.append(time.monotonic())

    threads = [threading.Thread(target=wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    waiting.wait(60)
    abort.throw()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(stopped) == 8


def test_who_lets_go_while_it_is_thrown_is_told_before_or_not_at_all() -> None:
    """A connection that was let go may serve somebody else: it must not be shut then."""
    for _ in range(300):
        abort, ready, late = Abort(), threading.Barrier(2), list[str]()
        state = {"mine": True}
        number = abort.hold(lambda state=state, late=late: None if state["mine"] else late.append("late"))  # type: ignore[misc]

        def finish(
            abort: Abort = abort, ready: threading.Barrier = ready, state: dict[str, bool] = state, number: int = number
        ) -> None:
            ready.wait(60)
            abort.let_go(number)
            state["mine"] = False

        thread = threading.Thread(target=finish)
        thread.start()
        ready.wait(60)
        abort.throw()
        thread.join(60)
        assert late == []


def test_one_switch_throws_another() -> None:
    outer, inner, told = Abort(), Abort(), list[int]()
    outer.hold(inner.throw)
    inner.hold(lambda: told.append(1))
    outer.throw()
    assert inner.thrown
    assert told == [1]
