"""How often something is looked at until it is as wanted."""

from __future__ import annotations

from typing import Any

import pytest

from vantage_sdk import ServerError
from vantage_sdk.core import polling
from vantage_sdk.core.polling import Pace, Poll, endings, satisfies
from vantage_sdk.core.stepping import run


class Clock:
    """A port whose sleeps pass at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        monkeypatch.setattr(polling.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(polling.random, "uniform", lambda low, high: 1.0)

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
        return await Poll(clock, Pace(1.0, None, {}), str, **options).until(look, lambda found: found == done)

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


def test_what_ends_is_yielded_as_it_ends(clock: Any) -> None:
    class Watch:
        pending = {"a", "b"}
        ticks: list[Any] = [["a running"], ServerError("no", status_code=500), ["a done", "b running"], ["b done"]]

        async def tick(self) -> list[str]:
            changed = self.ticks.pop(0)
            if isinstance(changed, Exception):
                raise changed
            self.pending -= {text[0] for text in changed if text.endswith("done")}
            return list(changed)

    async def collected() -> list[Any]:
        found = endings(clock, Pace(1.0, None, {}), Watch(), lambda text: text.endswith("done"), told.append)
        return [batch async for batch in found]

    told: list[str] = []
    assert run(collected()) == [["a done"], ["b done"]]
    assert told == ["a running", "a done", "b running", "b done"]
    assert len(clock.pauses) == 3


@pytest.mark.parametrize(
    ("until", "answer"),
    [(None, False), ("x", True), ("xy", False), (["w", "x"], True), (lambda thing: thing == 1, True), ((), False)],
)
def test_what_is_waited_for_is_a_word_some_words_or_a_question(until: Any, answer: bool) -> None:
    assert satisfies("x", 1, until) is answer
