"""How often something is looked at until it is as wanted."""

from __future__ import annotations

from typing import Any

import pytest

from vantage_sdk import ServerError
from vantage_sdk.core import waiting
from vantage_sdk.core.stepping import run
from vantage_sdk.core.waiting import Pace, Poll


class Clock:
    """A port whose sleeps pass at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        monkeypatch.setattr(waiting.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(waiting.random, "uniform", lambda low, high: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    return Clock(monkeypatch)


def poll(clock: Any, looks: list[Any], done: Any = "done", **options: Any) -> Any:
    async def look() -> Any:
        found = looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def until() -> Any:
        return await Poll(clock.sleep, Pace(1.0, None, {}), str, **options).until(look, lambda found: found == done)

    return run(until())


def test_pauses_grow_while_nothing_changes_and_begin_anew_with_a_change(clock: Any) -> None:
    told: list[str] = []
    assert poll(clock, ["a"] * 20 + ["b"] * 2 + ["done"], on_update=told.append) == "done"
    assert told == ["a", "b", "done"]
    assert clock.pauses[0] == 1.0
    assert clock.pauses[18] == pytest.approx(0.1 * sum(clock.pauses[:18]))
    assert clock.pauses[18] > 1.5
    assert clock.pauses[20:] == [1.0, 1.0]


def test_four_failures_in_a_row_are_overlooked_and_the_fifth_is_not(clock: Any) -> None:
    failure = ServerError("it failed", status_code=500)
    assert poll(clock, [failure] * 4 + ["a"] + [failure] * 4 + ["done"]) == "done"
    with pytest.raises(ServerError):
        poll(clock, [failure] * 5 + ["done"])
