"""EASY and conservative backfill on plain data."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from mock_server.cluster import planning
from mock_server.cluster.planning import Plan, conservative, easy
from mock_server.cluster.profile import Claim, Profile, Slot

if TYPE_CHECKING:
    from mock_server.cluster.planning import Policy

POLICIES = pytest.mark.parametrize("policy", [easy, conservative])


class Work(NamedTuple):
    """A job of the trial cluster: submitted when, running how long, on how many nodes, limited to what."""

    submit: float
    run: float
    nodes: int
    limit: float


class Trial:
    """Some jobs on equal nodes of one CPU, first come first served, planned again at every submission and end."""

    def __init__(self, policy: Policy, nodes: int, jobs: list[Work]) -> None:
        self.starts: dict[int, float] = {}
        self.promises: dict[int, list[float]] = {}
        self._policy = policy
        self._nodes = nodes
        self._jobs = jobs
        self._running: dict[int, tuple[int, ...]] = {}
        self._queue: list[int] = []
        self._plan = Plan()
        events: list[tuple[float, int]] = []
        for key, job in enumerate(jobs):
            heappush(events, (job.submit, key))
        while events:
            now = events[0][0]
            while events and events[0][0] == now:
                key = heappop(events)[1]
                if self._running.pop(key, None) is None:
                    self._queue.append(key)
            for key in self._pass(now):
                heappush(events, (now + jobs[key].run, key))

    def _pass(self, now: float) -> list[int]:
        busy = {node for nodes in self._running.values() for node in nodes}
        free = [(int(node not in busy), 0, 0) for node in range(self._nodes)]
        ends = [
            (self.starts[key] + self._jobs[key].limit, node, (1, 0, 0))
            for key, nodes in self._running.items()
            for node in nodes
        ]
        everywhere = (1 << self._nodes) - 1
        claims = [
            Claim(key, (1, 0, 0), self._jobs[key].nodes, everywhere, self._jobs[key].limit)
            for key in sorted(self._queue, key=lambda key: (self._jobs[key].submit, key))
        ]
        self._plan = self._policy(Profile(now, free, ends), claims, self._plan.reservations)
        for key, nodes in self._plan.starts:
            assert not busy & {node for node, _ in nodes}
            busy |= {node for node, _ in nodes}
            self.starts[key] = now
            self._running[key] = tuple(node for node, _ in nodes)
            self._queue.remove(key)
        for key, slot in self._plan.reservations.items():
            assert slot is not None
            self.promises.setdefault(key, []).append(slot.start)
        return [key for key, _ in self._plan.starts]


def started(plan: Plan) -> list[int]:
    return [key for key, _ in plan.starts]


def plan(policy: Policy, free: int, ends: list[tuple[float, int]], *queue: tuple[int, float]) -> Plan:
    """Plan on one node: jobs that run, as ``(end, cpus)``, and jobs that wait, as ``(cpus, limit)``."""
    profile = Profile(0.0, [(free, 0, 0)], [(end, 0, (cpus, 0, 0)) for end, cpus in ends])
    claims = [Claim(key, (cpus, 0, 0), 1, 1, limit) for key, (cpus, limit) in enumerate(queue)]
    return policy(profile, claims, {})


@POLICIES
def test_an_empty_queue_needs_nothing(policy: Policy) -> None:
    assert plan(policy, 4, []) == Plan()


@POLICIES
def test_a_short_job_overtakes(policy: Policy) -> None:
    found = plan(policy, 2, [(10.0, 2)], (4, 5.0), (2, 10.0))
    assert found.starts == [(1, ((0, 1),))]
    assert found.reservations == {0: Slot(10, 15, ((0, 1),))}


@POLICIES
def test_a_long_job_overtakes_in_the_extra_resources_only(policy: Policy) -> None:
    assert started(plan(policy, 2, [(10.0, 2)], (3, 5.0), (1, 99.0), (1, 99.0))) == [1]
    assert started(plan(policy, 2, [(10.0, 2)], (4, 5.0), (1, 99.0), (1, 10.0))) == [2]


def test_easy_plans_the_head_alone() -> None:
    queue = [(4, 5.0), (4, 5.0), (2, 12.0)]
    found = plan(easy, 0, [(10.0, 2), (20.0, 2)], *queue)
    assert found.reservations == {0: Slot(20, 25, ((0, 1),))}
    found = plan(conservative, 0, [(10.0, 2), (20.0, 2)], *queue)
    assert [slot and slot.start for slot in found.reservations.values()] == [20, 25, 30]


def test_only_easy_delays_who_is_not_the_head() -> None:
    # The head takes three of four at 10, the second all four at 15, and the third would still have one until 20.
    queue = [(3, 5.0), (4, 5.0), (1, 20.0), (1, 15.0)]
    assert started(plan(easy, 1, [(10.0, 3)], *queue)) == [2]
    assert started(plan(conservative, 1, [(10.0, 3)], *queue)) == [3]


@POLICIES
def test_a_lane_does_not_block_another_one(policy: Policy) -> None:
    profile = Profile(0.0, [(0, 0, 0), (4, 0, 0)], [(10.0, 0, (4, 0, 0))])
    queue = [
        Claim(1, (1, 0, 0), 1, 0b01, 5.0, "a"),
        Claim(2, (4, 0, 0), 2, 0b11, 5.0, "b"),
        Claim(3, (1, 0, 0), 1, 0b10, 15.0, "c"),
        Claim(4, (1, 0, 0), 1, 0b10, 16.0, "c"),
    ]
    found = policy(profile, queue, {})
    assert [found.reservations[key] for key in (1, 2)] == [Slot(10, 15, ((0, 1),)), Slot(15, 20, ((0, 1), (1, 1)))]
    assert started(found) == [3]


@POLICIES
def test_what_cannot_be_planned_blocks_nobody(policy: Policy) -> None:
    profile = Profile(0.0, [(4, 0, 0)])
    found = policy(profile, [Claim(1, (5, 0, 0), 1, 1, 5.0), Claim(2, (1, 0, 0), 1, 1, 5.0)], {})
    assert started(found) == [2]
    assert found.reservations == {1: None}


@POLICIES
def test_without_limits_nobody_overtakes_on_the_nodes_of_the_head(policy: Policy) -> None:
    profile = Profile(0.0, [(2, 0, 0), (2, 0, 0)], [(inf, 0, (2, 0, 0))])
    queue = [Claim(1, (4, 0, 0), 1, 0b01), Claim(2, (1, 0, 0), 1, 0b01), Claim(3, (1, 0, 0), 1, 0b11)]
    found = policy(profile, queue, {})
    assert found.starts == [(3, ((1, 1),))]
    assert found.reservations[1] == Slot(inf, inf, ((0, 1),))


def reserve_both(policy: Policy) -> dict[int, Slot | None]:
    profile = Profile(0.0, [(0, 0, 0)], [(10.0, 0, (4, 0, 0))])
    return policy(profile, [Claim(1, (4, 0, 0), 1, 1, 5.0), Claim(2, (4, 0, 0), 1, 1, 5.0)], {}).reservations


def test_a_reservation_moves_to_an_earlier_time_only() -> None:
    kept = reserve_both(conservative)
    queue = [Claim(1, (4, 0, 0), 1, 1, 5.0), Claim(2, (4, 0, 0), 1, 1, 5.0)]
    sooner = conservative(Profile(1.0, [(0, 0, 0)], [(8.0, 0, (4, 0, 0))]), queue, kept)
    assert [slot and slot.start for slot in sooner.reservations.values()] == [8, 13]
    late = conservative(Profile(1.0, [(0, 0, 0)], [(12.0, 0, (4, 0, 0))]), queue, kept)
    assert [slot and slot.start for slot in late.reservations.values()] == [12, 17]


def test_who_comes_ahead_takes_the_reservations_behind_it() -> None:
    kept = reserve_both(conservative)
    profile = Profile(1.0, [(0, 0, 0)], [(10.0, 0, (4, 0, 0))])
    queue = [Claim(key, (4, 0, 0), 1, 1, 5.0) for key in (1, 9, 2)]
    found = conservative(profile, queue, kept)
    assert {key: slot and slot.start for key, slot in found.reservations.items()} == {1: 10, 9: 15, 2: 20}


@POLICIES
def test_a_job_over_a_limit_is_passed_over(policy: Policy) -> None:
    profile = Profile(0.0, [(2, 0, 0)], [(10.0, 0, (2, 0, 0))])
    queue = [
        Claim(1, (1, 0, 0), 1, 1, 5.0, counts=("a",)),
        Claim(2, (4, 0, 0), 1, 1, 5.0, counts=("a",)),
        Claim(3, (1, 0, 0), 1, 1, 5.0),
        Claim(4, (4, 0, 0), 1, 1, 5.0, counts=("b", "c")),
    ]
    found = policy(profile, queue, {}, {"a": 1, "b": 5, "c": 1})
    assert (started(found), list(found.reservations)) == ([1, 3], [4])


@POLICIES
def test_a_reservation_keeps_its_place_under_a_limit(policy: Policy) -> None:
    queue = [Claim(1, (4, 0, 0), 1, 1, 5.0, counts=("a",)), Claim(2, (1, 0, 0), 1, 1, 5.0, counts=("a",))]

    def plan(at: float, kept: planning.Reservations, room: int) -> Plan:
        return policy(Profile(at, [(2, 0, 0)], [(10.0, 0, (2, 0, 0))]), queue, kept, {"a": room})

    first = plan(0.0, {}, 1)
    assert (started(first), first.reservations) == ([], {1: Slot(10, 15, ((0, 1),))})
    assert plan(1.0, first.reservations, 1) == first
    assert started(plan(2.0, first.reservations, 2)) == [2]


@pytest.mark.parametrize("changed", [{"limit": 6.0}, {"eligible": 0b10}])
def test_a_changed_job_is_planned_anew(changed: dict[str, float]) -> None:
    kept = easy(Profile(0.0, [(0, 0, 0)] * 2, [(9.0, 0, (1, 0, 0))]), [Claim(1, (1, 0, 0), 1, 0b11, 5.0)], {})
    queue = [Claim(1, (1, 0, 0), 1, **({"eligible": 0b11, "limit": 5.0} | changed))]  # type: ignore[arg-type]
    running = [(9.0, 0, (1, 0, 0)), (12.0, 1, (1, 0, 0))]
    found = easy(Profile(1.0, [(0, 0, 0)] * 2, running), queue, kept.reservations).reservations[1]
    assert found == (Slot(9, 15, ((0, 1),)) if "limit" in changed else Slot(12, 17, ((1, 1),)))


def test_conservative_plans_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "DEPTH", 2)
    found = plan(conservative, 1, [(10.0, 3)], (4, 5.0), (4, 5.0), (1, 1.0))
    assert (started(found), list(found.reservations)) == ([], [0, 1])


def textbook(free: int, ends: list[tuple[float, int]], queue: list[tuple[int, float]]) -> list[int]:
    """Return who starts under EASY as Lifka counts processors, at time 0."""
    starts: list[int] = []
    running = list(ends)
    waiting = list(enumerate(queue))
    while waiting and waiting[0][1][0] <= free:
        key, (cpus, limit) = waiting.pop(0)
        starts.append(key)
        running.append((limit, cpus))
        free -= cpus
    if not waiting:
        return starts
    (_, (wanted, _)), *others = waiting
    available, shadow = free, 0.0
    for end in sorted({end for end, _ in running}):
        available += sum(cpus for other, cpus in running if other == end)
        if available >= wanted:
            shadow = end
            break
    extra = available - wanted
    for key, (cpus, limit) in others:
        if cpus <= free and (limit <= shadow or cpus <= extra):
            starts.append(key)
            free -= cpus
            extra -= cpus if limit > shadow else 0
    return starts


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9).map(float), st.integers(1, 4)), max_size=5),
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 12).map(float)), max_size=8),
)
def test_easy_on_one_node_is_the_textbook(ends: list[tuple[float, int]], queue: list[tuple[int, float]]) -> None:
    free = 20 - sum(cpus for _, cpus in ends)
    assert started(plan(easy, free, ends, *queue)) == textbook(free, ends, queue)


JOBS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 12), st.integers(1, 5), st.integers(0, 8)).map(
        lambda job: Work(float(job[0]), float(job[1]), job[2], float(job[1] + job[3]))
    ),
    max_size=14,
)


@POLICIES
@settings(max_examples=50, deadline=None)
@given(jobs=JOBS)
def test_no_promise_is_broken(policy: Policy, jobs: list[Work]) -> None:
    trial = Trial(policy, 5, jobs)
    assert set(trial.starts) == set(range(len(jobs)))
    for key, promised in trial.promises.items():
        assert promised == sorted(promised, reverse=True)
        assert trial.starts[key] <= promised[-1]


def test_a_promise_survives_an_early_end() -> None:
    # Job 1 ends early.  Planned from scratch, job 3 would move to a time that delays job 4, which was promised 2.
    jobs = [Work(0, 1, 1, 1), Work(0, 1, 1, 2), Work(0, 2, 2, 2), Work(0, 1, 3, 1), Work(0, 1, 2, 1)]
    trial = Trial(conservative, 5, jobs)
    assert all(trial.starts[key] <= promised[0] for key, promised in trial.promises.items())
