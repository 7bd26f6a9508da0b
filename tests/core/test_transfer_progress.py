"""Reports of a transfer only grow, whoever counts, and end with the total once everything is done."""

from __future__ import annotations

import io
import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from vantage_sdk.core.io.blocking import BlockingIO
from vantage_sdk.core.transfer import progress
from vantage_sdk.core.transfer.progress import Bar, Listeners, Meter, is_watched

IO: Any = BlockingIO.__new__(BlockingIO)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)


def meter_of(total: int) -> tuple[Meter, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    return Meter(total, [lambda *done: told.append(done)]), told


def test_reports_grow_and_end_with_the_total() -> None:
    meter, told = meter_of(100)
    gauge = meter.gauge()
    for done in (0, 10, 10, 5, 60, 100):
        gauge.reach(done)
    assert told == [(10, 100), (60, 100)]
    meter.finish()
    meter.finish()
    gauge.reach(100)
    assert told == [(10, 100), (60, 100), (100, 100)]


def test_parts_are_added_up() -> None:
    meter, told = meter_of(100)
    first, second = meter.gauge(), meter.gauge()
    first.reach(30)
    second.reach(20)
    first.reach(10)  # began again: what it had counts once
    first.reach(31)
    assert [done for done, _ in told] == [30, 50, 51]


def test_what_exceeds_the_total_is_not_told() -> None:
    """A source that was larger than its scan said."""
    meter, told = meter_of(10)
    meter.gauge().reach(9)
    meter.gauge().reach(25)
    meter.finish()
    assert told == [(9, 10), (10, 10)]


def test_what_another_thread_adds_meanwhile_is_not_told_as_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    meter, told = meter_of(10)
    other = meter.gauge()

    def late() -> float:
        monkeypatch.setattr(progress.time, "monotonic", usual)
        other.reach(5)
        return usual()

    usual = progress.time.monotonic
    monkeypatch.setattr(progress.time, "monotonic", late)
    meter.gauge().reach(5)
    assert told == [(5, 10)]


@pytest.mark.parametrize("total", [0, -1])
def test_nothing_is_told_of_nothing(total: int) -> None:
    meter, told = meter_of(total)
    meter.gauge().reach(5)
    meter.finish()
    assert told == []


def test_files_share_a_meter() -> None:
    meter, told = meter_of(100)
    shares = [meter.share(50), meter.share(0), meter.share(50)]
    for share in shares:
        gauge = share.gauge()
        gauge.reach(40)
        gauge.reach(1000)
    assert told[-1] == (80, 100)
    for share in shares:
        share.finish()
    assert told[-1] == (90, 100)
    meter.finish()
    assert told[-1] == (100, 100)


def test_reports_keep_a_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(progress, "INTERVAL", 0.25)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    meter, told = meter_of(1000)
    gauge = meter.gauge()
    for done in range(1, 21):
        now += 0.03125
        gauge.reach(done)
    meter.finish()
    assert [done for done, _ in told] == [1, 9, 17, 1000]


class Enough(Exception):
    pass


def test_what_a_listener_raises_is_raised_and_remembered() -> None:
    def refuse(done: int, total: int) -> None:
        raise Enough

    meter = Meter(10, [refuse])
    share = meter.share(10)
    assert not meter.refused
    with pytest.raises(Enough):
        share.gauge().reach(5)
    assert meter.refused
    assert share.refused
    with pytest.raises(Enough):  # and it is no dead lock afterwards
        meter.finish()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=60))
def test_any_order_of_parts_gives_growing_reports(steps: list[tuple[int, int]]) -> None:
    meter, told = meter_of(100)
    gauges = [meter.gauge() for _ in range(4)]
    for number, done in steps:
        gauges[number].reach(done)
    meter.finish()
    seen = [done for done, _ in told]
    assert seen == sorted(set(seen))
    assert seen[-1] == 100
    assert all(isinstance(done, int) and 0 < done <= 100 for done in seen)
    best = [max((done for number, done in steps if number == each), default=0) for each in range(4)]
    if sum(best) < 100:
        assert seen[:-1] == [] or seen[-2] == sum(best)


def test_reports_of_many_threads_grow() -> None:
    meter, told = meter_of(80_000)
    ready, inside = threading.Barrier(8), list[int]()
    alone = threading.Lock()

    def listen(done: int, total: int) -> None:
        assert alone.acquire(blocking=False), "two reports at once"
        told.append((done, total))
        alone.release()

    meter._listeners = [listen]

    def count() -> None:
        gauge = meter.gauge()
        ready.wait(60)
        for done in range(10_001):
            gauge.reach(done)
        inside.append(gauge.reached)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert inside == [10_000] * 8
    meter.finish()
    seen = [done for done, _ in told]
    assert seen == sorted(set(seen))
    assert seen[-1] == 80_000


# The bar


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def bars_of(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace tqdm by one that only remembers."""
    made: list[Any] = []

    class Tqdm:
        def __init__(self, **options: Any) -> None:
            self.options, self.n, self.closed = options, 0, False
            made.append(self)

        def update(self, more: int) -> None:
            self.n += more

        def close(self) -> None:
            self.closed = True

    module: Any = ModuleType("tqdm.auto")
    module.tqdm = Tqdm
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    return made


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    made, told = bars_of(monkeypatch), list[int]()
    monkeypatch.setattr(sys, "stderr", Screen())
    listeners = Listeners(IO, lambda done, _: told.append(done), "name.bin")
    meter = listeners.meter(100)
    meter.gauge().reach(40)
    assert (made[0].n, made[0].options["total"], made[0].options["desc"]) == (40, 100, "name.bin")
    meter.finish()
    assert (made[0].n, made[0].closed, told) == (100, False, [40, 100])
    listeners.close()
    assert made[0].closed


@pytest.mark.parametrize("name", ["notebook", "shell", "pipe", "nothing"])
def test_who_watches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bars_of(monkeypatch)
    monkeypatch.setattr(sys, "stderr", None if name == "nothing" else io.StringIO())
    if name in ("notebook", "shell"):
        shell = SimpleNamespace(config={"IPKernelApp": {}} if name == "notebook" else {})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert is_watched() is (name == "notebook")
    listeners = Listeners(IO, None, "name")
    listeners.meter(100).finish()
    listeners.close()
    assert len(made) == (name == "notebook")


def test_no_bar_for_nothing_or_unless_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bars_of(monkeypatch)
    monkeypatch.setattr(sys, "stderr", Screen())
    Listeners(IO, None, "name").meter(0)
    Listeners(IO, None, None).meter(100)
    assert made == []


def test_the_real_bar_counts_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    bar = Bar(3 << 20, "name.bin")
    bar(1 << 20, 3 << 20)
    bar(3 << 20, 3 << 20)
    bar.close()
    assert "name.bin: 100%" in screen.getvalue()
    assert "3.00M/3.00M" in screen.getvalue()


def test_a_missing_bar_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", Screen())
    with pytest.raises(ImportError, match=r"vantage-sdk\[progress\]"):
        Listeners(IO, None, "name").meter(1)


@pytest.mark.parametrize("callback", [7, "print", object()])
def test_a_listener_is_a_function(callback: Any) -> None:
    with pytest.raises(TypeError, match="progress_callback takes a function"):
        Listeners(IO, callback, None)
