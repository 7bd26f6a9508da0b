"""Turns under a limit on the requests of a minute."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, strategies as st

from vantage_sdk import ConfigError
from vantage_sdk.core.io import forking
from vantage_sdk.core.limiter import MARGIN, WINDOW, Limiter

SPAN = WINDOW + MARGIN


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_go_at_once_and_the_next_wait_for_the_window() -> None:
    clock = Clock()
    limiter = Limiter(3, clock=clock)
    assert [limiter.reserve()[1] for _ in range(7)] == [0, 0, 0, SPAN, SPAN, SPAN, 2 * SPAN]
    clock.now += SPAN
    assert limiter.reserve()[1] == SPAN
    clock.now += 10 * SPAN
    assert [limiter.reserve()[1] for _ in range(4)] == [0, 0, 0, SPAN]


@given(st.lists(st.floats(0, 40), max_size=60), st.integers(1, 5))
def test_no_window_ever_has_more_than_the_limit_and_nobody_overtakes(pauses: list[float], limit: int) -> None:
    clock = Clock()
    limiter = Limiter(limit, clock=clock)
    turns = []
    for pause in pauses:
        clock.now += pause
        turns.append(limiter.reserve()[0])
    assert turns == sorted(turns)
    for first, later in zip(turns, turns[limit:], strict=False):
        assert later - first >= WINDOW


def test_turns_that_were_given_back_were_never_taken() -> None:
    limiter = Limiter(1, clock=Clock())
    turns = [limiter.reserve()[0] for _ in range(100)]
    for turn in turns[1:]:
        limiter.give_back(turn)
    assert limiter.reserve()[1] == SPAN
    limiter.give_back(-1.0)


def test_many_threads_get_different_turns() -> None:
    limiter, found = Limiter(10, clock=Clock()), list[float]()
    threads = [threading.Thread(target=lambda: found.extend(limiter.reserve()[1] for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [n * SPAN for n in range(40) for _ in range(10)]


def test_a_child_process_does_not_inherit_a_held_lock() -> None:
    limiter = Limiter(1)
    limiter._lock.acquire()
    limiter.after_fork()
    assert limiter.reserve()[1] == 0
    assert limiter in forking._renewed


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "60"])
def test_an_odd_limit_is_a_config_error(limit: object) -> None:
    with pytest.raises(ConfigError, match="requests_per_minute is a number from 1"):
        Limiter(limit)  # type: ignore[arg-type]
