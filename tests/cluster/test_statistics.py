"""Statistics of periods: exact counts, durations, peaks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from mock_server.cluster.job import JobState
from mock_server.cluster.statistics import Durations, Series, Tallies, durations, peak


def test_a_period_counts_what_happened_after_its_start_and_until_its_end() -> None:
    tallies = Tallies()
    for at in (10.0, 20.0, 30.0):
        tallies.submitted("c", None, at)
    tallies.started("c", None, 20.0, 10.0)
    tallies.started("c", None, 25.0, 20.0)
    tallies.ended("c", None, 30.0, JobState.COMPLETED, 20.0)
    tallies.ended("c", None, 30.0, JobState.FAILED, 25.0)
    tallies.ended("c", None, 31.0, JobState.CANCELLED)
    found = tallies.statistics(10, 30)
    assert (found.submitted, found.started, found.completed, found.failed, found.cancelled) == (2, 2, 1, 1, 0)
    assert found.wait == Durations(2, 7.5, 10, 5, 10)
    assert found.run == Durations(2, 7.5, 10, 5, 10)
    assert (found.dispatch_p50, found.dispatch_p99, found.started_per_second) == (5, 10, 0.1)
    later = tallies.statistics(30, 40)
    assert (later.cancelled, later.run, later.peak_started_per_second) == (1, Durations(), 0)
    assert tallies.statistics(40, 10).submitted == 0


def test_clusters_and_queues_are_told_apart() -> None:
    tallies = Tallies()
    for number, key in enumerate([("a", None), ("a", "default"), ("b", "default"), ("b", "high-priority")]):
        for _ in range(number + 1):
            tallies.submitted(*key, 1.0)
    assert tallies.statistics(0, 1).submitted == 10
    assert tallies.statistics(0, 1, cluster_id="b").submitted == 7
    assert tallies.statistics(0, 1, queue="default").submitted == 5
    assert tallies.statistics(0, 1, cluster_id="a", queue="default").submitted == 2
    assert tallies.statistics(0, 1, cluster_id="c").submitted == 0


def test_percentiles_are_values_that_occurred() -> None:
    found = durations(float(value) for value in range(200, 0, -1))
    assert (found.p50, found.p99, found.max, found.mean) == (100, 198, 200, 100.5)
    assert durations([3.0]) == Durations(1, 3, 3, 3, 3)


def test_what_is_older_finds_its_place() -> None:
    series = Series(valued=True)
    for at, value in [(5.0, 1.0), (1.0, 2.0), (3.0, 3.0), (5.0, 4.0)]:
        series.add(at, value)
    assert list(series.times) == [1, 3, 5, 5]
    assert list(series.between(0, 9)) == [2, 3, 1, 4]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), max_size=30).map(sorted))
def test_the_peak_is_the_fullest_second(eighths: list[int]) -> None:
    expected = max((sum(first <= other < first + 8 for other in eighths) for first in eighths), default=0)
    assert peak(eighth / 8 for eighth in eighths) == expected


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=20),
    st.lists(st.integers(0, 60), min_size=2, max_size=5).map(sorted),
)
def test_the_parts_of_a_period_add_up_to_it(starts: list[tuple[int, int]], cuts: list[int]) -> None:
    tallies = Tallies()
    for at, waited in starts:
        tallies.started("c", None, float(at), float(at - waited))
    whole = tallies.statistics(cuts[0], cuts[-1])
    parts = [tallies.statistics(start, end) for start, end in pairwise(cuts)]
    assert sum(part.started for part in parts) == whole.started == whole.wait.count
    assert sum(part.wait.mean * part.wait.count for part in parts) == pytest.approx(whole.wait.mean * whole.wait.count)


def test_a_job_takes_few_bytes() -> None:
    tallies = Tallies()
    for number in range(1_000):
        at = float(number)
        tallies.submitted("c", None, at)
        tallies.started("c", None, at, at)
        tallies.ended("c", None, at, JobState.COMPLETED, at)
    (tally,) = tallies._tallies.values()
    arrays = [tally.submitted, tally.started, tally.waits, tally.runs, *tally.ended.values()]
    kept = (
        sum(len(series.times) for series in arrays)
        + len(tally.waits.between(-1, 1e9))
        + len(tally.runs.between(-1, 1e9))
    )
    assert kept * 8 <= 64 * 1_000
