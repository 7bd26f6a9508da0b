"""Statistics of periods: exact counts, durations, peaks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from mock_server.cluster.job import JobState, Resources
from mock_server.cluster.seeding import Past
from mock_server.cluster.statistics import Durations, Instants, Samples, durations, peak
from tests.cluster.world import SHAPE, START, World, request

WHOLE = Resources(4)


def test_a_period_counts_what_happened_after_its_start_and_until_its_end() -> None:
    world = World(nodes=1)
    for seconds in (10, 20, 30):
        world.submit(f"sleep {seconds}", resources=WHOLE)
    world.cancel(world.submit("sleep 9"))
    world.submit("sleep 5; exit 3", resources=WHOLE)
    world.finish()
    whole = world.backend.statistics(START - 1, world.backend.now)
    assert (whole.submitted, whole.started, whole.completed, whole.failed, whole.cancelled) == (5, 4, 3, 1, 1)
    assert (whole.wait.count, whole.wait.max, whole.wait.p50) == pytest.approx((4, 60.1, 10.1))
    assert (whole.run.count, whole.run.mean, whole.run.max) == pytest.approx((4, 65 / 4, 30))
    assert (whole.dispatch_p50, whole.dispatch_p99) == (whole.wait.p50, whole.wait.p99)
    at = START + 10.1
    until = world.backend.statistics(START, at)
    after = world.backend.statistics(at, START + 30.1)
    assert (until.started, until.completed) == (2, 1)
    assert (after.started, after.completed, after.submitted) == (1, 1, 0)
    assert world.backend.statistics(START + 100, START + 50).started == 0


def test_a_job_cancelled_before_its_start_has_not_run(world: World) -> None:
    world.cancel(world.submit("true"))
    found = world.backend.statistics(START - 1, START)
    assert (found.cancelled, found.run, found.wait) == (1, Durations(), Durations())


def test_clusters_and_queues_are_told_apart(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="gcp", region="eu", nodes=1, node_shape=SHAPE)
    for options in [{}, {"queue": "default"}, {"queue": "default", "cluster_id": "c2"}, {"cluster_id": "other"}]:
        world.submit("true", **options)
    world.finish()
    now = world.backend.now

    def completed(**options: str) -> int:
        return world.backend.statistics(0, now, **options).completed

    assert completed() == 4
    assert completed(cluster_id="main") == completed(cluster_id="cluster-1") == completed(queue="default") == 2
    assert completed(cluster_id="c2", queue="default") == 1
    assert completed(queue="high-priority") == 0


def test_the_load_is_that_of_all_clusters_that_were_asked_for(world: World) -> None:
    world.backend.add_cluster(id="c2", name="other", provider="gcp", region="eu", nodes=2, node_shape=SHAPE)
    world.submit("sleep 1000", resources=Resources(4, 8 * 10**9, 2), nodes=2)
    world.wait(0.1)
    start = world.backend.now
    world.wait(100)
    both = world.backend.statistics(start, start + 100)
    assert (both.cpu_percent, both.memory_percent, both.gpu_percent) == pytest.approx((50, 25, 50))
    one = world.backend.statistics(start, start + 100, cluster_id="main")
    assert (one.cpu_percent, one.memory_percent, one.gpu_percent) == pytest.approx((100, 50, 100))
    usage = world.backend.usage("main", start, start + 100)
    assert (usage.cpu_percent, usage.memory_percent) == (one.cpu_percent, one.memory_percent)


def test_a_job_with_a_past_counts_when_it_happened(world: World) -> None:
    past = Past(START - 500, START - 400, START - 100, JobState.FAILED, exit_code=2)
    world.backend.adopt("job_9", request("true", queue="default"), past)
    world.backend.adopt("job_8", request("true"), Past(START - 900, START - 800, runs_for=1e6))
    found = world.backend.statistics(START - 450, START)
    assert (found.submitted, found.started, found.failed, found.run.max) == (0, 1, 1, 300)
    assert world.backend.statistics(0, START).wait.count == 2


def test_a_restart_counts_as_another_start(world: World) -> None:
    job = world.submit("sleep 100")
    world.wait(10.1)
    world.fail_node(job.node_names[0])
    world.finish()
    found = world.backend.statistics(0, world.backend.now)
    assert (found.submitted, found.started, found.completed) == (1, 2, 1)
    assert (found.run.count, found.run.mean) == pytest.approx((1, 100))


def test_percentiles_are_values_that_occurred() -> None:
    found = durations(float(value) for value in range(200, 0, -1))
    assert (found.p50, found.p99, found.max, found.mean) == (100, 198, 200, 100.5)
    assert durations([3.0]) == Durations(1, 3, 3, 3, 3)


def test_what_is_older_finds_its_place() -> None:
    samples, instants = Samples(), Instants()
    for at, value in [(5.0, 1.0), (1.0, 2.0), (3.0, 3.0), (5.0, 4.0)]:
        samples.note(at, value)
        instants.add(at)
    assert list(samples.between(0, 9)) == list(instants.between(0, 9)) == [1, 3, 5, 5]
    assert list(samples.values(0, 9)) == [2, 3, 1, 4]
    assert (samples.count(1, 5), samples.count(5, 1)) == (3, 0)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), max_size=30).map(sorted))
def test_the_peak_is_the_fullest_second(eighths: list[int]) -> None:
    expected = max((sum(first <= other < first + 8 for other in eighths) for first in eighths), default=0)
    assert peak(eighth / 8 for eighth in eighths) == expected


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=10),
    st.lists(st.integers(0, 200), min_size=2, max_size=5).map(sorted),
)
def test_the_parts_of_a_period_add_up_to_it(jobs: list[tuple[int, int]], cuts: list[int]) -> None:
    world = World(nodes=1)
    for seconds, pause in jobs:
        world.submit(f"sleep {seconds}", resources=WHOLE)
        world.wait(pause)
    world.finish()
    whole = world.backend.statistics(START + cuts[0], START + cuts[-1])
    parts = [world.backend.statistics(START + start, START + end) for start, end in pairwise(cuts)]
    for name in ("submitted", "started", "completed"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    assert whole.wait.count == whole.started
    assert sum(part.wait.mean * part.wait.count for part in parts) == pytest.approx(whole.wait.mean * whole.wait.count)


def test_a_job_takes_few_bytes(world: World) -> None:
    for _ in range(50):
        world.ran("true")
    (tally,) = world.backend._tallies._tallies.values()
    instants = [tally.submitted, *tally.ended.values()]
    assert sum(map(len, instants)) + 2 * (len(tally.waits) + len(tally.runs)) == 6 * 50
