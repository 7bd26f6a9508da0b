"""The order of the queue."""

from __future__ import annotations

from mock_server.cluster.job import Job, JobState, Resources
from mock_server.cluster.log import Log
from mock_server.cluster.queue import JobQueue
from tests.cluster.world import request


def job(number: int, priority: int = 0, nodes: int = 1) -> Job:
    asked = request(resources=Resources(2, 10, 1), nodes=nodes)
    return Job(f"job_{number}", asked, "c", JobState.PENDING, 0.0, 0.0, Log([]), "a", priority, {}, None, number=number)


def drained(queue: JobQueue) -> list[int]:
    order: list[int] = []
    while (head := queue.head()) is not None:
        order.append(head.number)
        queue.discard(head)
    return order


def test_priority_comes_first_and_then_submission() -> None:
    queue = JobQueue()
    for number, priority in [(3, 0), (1, 0), (2, 5), (4, 5)]:
        queue.add(job(number, priority))
    assert [queued.number for queued in queue] == [2, 4, 1, 3]
    assert drained(queue) == [2, 4, 1, 3]


def test_a_changed_priority_moves_a_job_both_ways() -> None:
    queue = JobQueue()
    first, second = job(1), job(2)
    queue.add(first)
    queue.add(second)
    for priority, order in [(5, [2, 1]), (-5, [1, 2]), (5, [2, 1])]:
        second.priority = priority
        queue.add(second)
        assert [queued.number for queued in queue] == order
        head = queue.head()
        assert head is not None
        assert head.number == order[0]
    assert len(queue) == 2


def test_a_job_comes_back_after_it_left() -> None:
    queue = JobQueue()
    only = job(1)
    queue.add(only)
    queue.discard(only)
    queue.discard(only)
    assert only not in queue
    queue.add(only)
    assert only in queue
    assert drained(queue) == [1]


def test_demand_is_the_sum_over_nodes() -> None:
    queue = JobQueue()
    queue.add(job(1, nodes=3))
    twice = job(2)
    queue.add(twice)
    queue.add(twice)
    (lane,) = queue.lanes.values()
    assert (lane.cpus, lane.memory, lane.gpus) == (8, 40, 4)
    drained(queue)
    assert (lane.cpus, lane.memory, lane.gpus) == (0, 0, 0)
    assert not queue.lanes
