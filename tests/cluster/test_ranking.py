"""The order that weights give."""

from __future__ import annotations

import pytest

from mock_server.cluster.job import Resources
from mock_server.cluster.layout import Account
from mock_server.cluster.priority import Weights
from mock_server.cluster.scheduler import RANKING_SECONDS
from tests.cluster.world import World

WHOLE = Resources(4)
DAY = 86_400.0


def order(world: World) -> list[str]:
    jobs = sorted(world.backend.jobs.values(), key=lambda job: job.started_at or 0.0)
    return [job.name for job in jobs]


def test_large_jobs_first() -> None:
    world = World(nodes=2, weights=Weights(size=1000))
    world.submit("sleep 10", name="first", nodes=2, resources=WHOLE)
    world.wait(1)
    small = world.submit("sleep 10", name="small", resources=Resources(1))
    large = world.submit("sleep 10", name="large", nodes=2, resources=WHOLE)
    assert [world.backend.priority_of(job.id) for job in (small, large)] == [125, 1000]
    world.finish()
    assert order(world) == ["first", "large", "small"]


def test_age_overtakes_priority() -> None:
    world = World(nodes=1, weights=Weights(age=1000, max_age=DAY))
    world.submit("sleep 2d", name="first", resources=WHOLE)
    world.wait(1)
    world.submit("sleep 10", name="old", resources=WHOLE)
    world.wait(DAY / 2)
    world.submit("sleep 10", name="young", resources=WHOLE, priority=400)
    world.submit("sleep 10", name="urgent", resources=WHOLE, priority=2000)
    world.finish()
    assert order(world) == ["first", "urgent", "young", "old"]
    other = World(nodes=1, weights=Weights(age=1000, max_age=DAY))
    other.submit("sleep 2d", name="first", resources=WHOLE)
    other.wait(1)
    other.submit("sleep 10", name="old", resources=WHOLE)
    other.wait(DAY * 1.5)
    other.submit("sleep 10", name="young", resources=WHOLE, priority=400)
    other.finish()
    assert order(other) == ["first", "old", "young"]


def test_a_queue_shows_the_order_that_holds_now() -> None:
    world = World(nodes=1, weights=Weights(age=1000, max_age=DAY))
    world.submit("sleep 2d", name="first", resources=WHOLE)
    world.wait(1)
    old = world.submit("true", name="old", resources=WHOLE, queue="default")
    world.wait(DAY * 0.6)
    young = world.submit("true", name="young", resources=WHOLE, queue="default", priority=400)
    waiting = world.backend.waiting("default")
    assert [job.name for job in waiting] == ["old", "young"]
    assert [world.backend.queue_position(job.id) for job in (old, young)] == [1, 2]


def test_who_has_used_less_comes_first() -> None:
    world = World(nodes=1, weights=Weights(fair_share=1000))
    for name in ("busy", "idle"):
        world.backend.add_account(Account(name))
    world.submit("sleep 1000", name="first", resources=WHOLE, account="busy")
    world.wait(500)
    busy = world.submit("sleep 10", name="busy", resources=WHOLE, account="busy")
    idle = world.submit("sleep 10", name="idle", resources=WHOLE, account="idle")
    ranks = [world.backend.priority_of(job.id) for job in (busy, idle)]
    assert ranks[0] < ranks[1] == 1000
    world.finish()
    assert order(world) == ["first", "idle", "busy"]


def test_partitions_can_count() -> None:
    world = World(nodes=1, weights=Weights(partition=100))
    world.add_partition("fast", (1,), priority=1000)
    jobs = [world.submit("true", partition=name) for name in ("main", "fast")]
    assert [world.backend.priority_of(job.id) for job in jobs] == [0, 100]
    world.finish()


def test_an_old_order_is_made_anew() -> None:
    world = World(nodes=1, weights=Weights(age=1_000_000, max_age=1000.0))
    world.submit("sleep 2000", resources=WHOLE)
    world.wait(1)
    first = world.submit("sleep 10", resources=WHOLE, hold=True)
    second = world.submit("sleep 10", resources=WHOLE)
    world.wait(RANKING_SECONDS * 20)
    world.release(first)
    world.wait(1)
    queue = world.backend._facility.sites["cluster-1"].scheduler.queue
    assert list(queue) == [second, first]
    world.set_priority(first, 5)
    assert world.backend.queue_position(first.id) == 2
    world.finish()
    assert first.started_at == pytest.approx(second.ended_at or 0)
