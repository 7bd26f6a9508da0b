"""Each invariant notices the damage that it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_server.cluster.dependencies import Condition
from mock_server.cluster.job import Dependency, JobState, Resources
from mock_server.cluster.node import NodeState, ScalePolicy
from tests.cluster.world import START, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.core import Core
    from mock_server.cluster.founding import SchedulerName
    from mock_server.cluster.job import Job


class Scene(World):
    """A job that runs, one that waits as head of the queue, one behind it, one that is over."""

    def __init__(self) -> None:
        super().__init__(nodes=2)
        self.over = self.ran("true")
        self.running = self.submit("sleep 100", nodes=2, resources=Resources(3, 10, 1))
        self.head = self.submit("sleep 100", resources=Resources(4))
        self.behind = self.submit("sleep 100", resources=Resources(4))
        self.wait(1)


def set_free(scene: Scene) -> None:
    scene.node().free = Resources(-1)


def share_a_gpu(scene: Scene) -> None:
    scene.node().free = Resources(1, 16 * 10**9 - 10, 2)


def lose_a_node(scene: Scene) -> None:
    node = scene.node(2)
    node.running.clear()
    node.gpus_in_use.clear()
    node.free = node.capacity


def run_without_process(scene: Scene) -> None:
    del scene.backend._facility.sites["cluster-1"].executor.processes[scene.running.id]


def change_state(job: Callable[[Scene], Job], state: JobState) -> Callable[[Scene], None]:
    def damage(scene: Scene) -> None:
        job(scene).state = state

    return damage


def end_before_start(scene: Scene) -> None:
    scene.over.ended_at = START - 5


def reopen_log(scene: Scene) -> None:
    scene.over.log.closed = False


def forget_start(scene: Scene) -> None:
    scene.running.started_at = None


def lose_a_waiting_job(scene: Scene) -> None:
    scene.behind.held = True


def take_node_down(scene: Scene) -> None:
    scene.node().state = NodeState.DOWN


def drain_nothing(scene: Scene) -> None:
    scene.finish()
    scene.node().state = NodeState.DRAINING


def keep_a_leaving_node(scene: Scene) -> None:
    scene.finish()
    scene.node().retiring = True


def set_size(scene: Scene) -> None:
    scene.cluster.scaling = ScalePolicy(nodes=3)


def set_range(scene: Scene) -> None:
    scene.cluster.scaling = ScalePolicy(min_nodes=3, max_nodes=4)


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("I1", set_free),
        ("I1", share_a_gpu),
        ("I2", lose_a_node),
        ("I2", run_without_process),
        ("I2", change_state(lambda scene: scene.head, JobState.RUNNING)),
        ("I3", change_state(lambda scene: scene.over, JobState.RUNNING)),
        ("I3", change_state(lambda scene: scene.over, JobState.FAILED)),
        ("I3", end_before_start),
        ("I3", reopen_log),
        ("I3", forget_start),
        ("I4", lose_a_waiting_job),
        ("I8", take_node_down),
        ("I8", drain_nothing),
        ("I8", keep_a_leaving_node),
        ("I10", set_size),
        ("I10", set_range),
    ],
)
def test_damage_is_noticed(rule: str, damage: Callable[[Scene], None]) -> None:
    scene = Scene()
    scene.backend.check_invariants()
    damage(scene)
    if rule == "I2" and scene.head.state is JobState.RUNNING:
        scene.head.started_at = scene.backend.now
        scene.head.updated_at = scene.backend.now
    with pytest.raises(AssertionError, match=rf"^{rule} violated: "):
        scene.backend.check_invariants()


class WideScene(World):
    """A gang that runs with GPUs, a task under a limit, one that waits for others, one that tries again."""

    def __init__(self) -> None:
        super().__init__(nodes=3)
        self.gang = self.submit("sleep 100", gang=3, resources=Resources(1, 10, 1))
        self.task = self.submit("sleep 100", array=(0, 1), array_limit=1)
        self.late = self.submit("true", dependencies=(Dependency("afterok", self.gang.id),))
        self.again = self.submit("false", max_retries=1, backoff_multiplier=50.0)
        self.aside = self.submit("true", nodes=4)
        self.wait(0.5)
        assert self.again.reason == "BeginTime"

    @property
    def core(self) -> Core:
        return self.backend._core


def share_a_gpu_id(scene: WideScene) -> None:
    scene.gang.gpu_ids = ((0, 0), (0,))


def take_an_unknown_gpu(scene: WideScene) -> None:
    scene.gang.gpu_ids = ((0, 7), (0,))
    scene.node().gpus_in_use = {0, 7}


def lose_a_gpu(scene: WideScene) -> None:
    scene.gang.gpu_ids = ((0,), (0,))
    scene.node().gpus_in_use = {0}


def lose_a_member(scene: WideScene) -> None:
    scene.gang.allocation, scene.gang.gpu_ids = scene.gang.allocation[:1], scene.gang.gpu_ids[:1]
    node = scene.node(2)
    node.running.clear()
    node.gpus_in_use.clear()
    node.free = node.capacity


def forget_a_task(scene: WideScene) -> None:
    scene.backend._registry.arrays["job_2"].pop()


def count_a_task_twice(scene: WideScene) -> None:
    (limit,) = scene.core.limits.of(scene.task)
    scene.core.limits.running[limit] += 1


def forget_what_it_waits_for(scene: WideScene) -> None:
    scene.core.dependencies.unmet.clear()


def start_a_dependent(scene: WideScene) -> None:
    scene.gang.eligible_at = None


def give_another_reason(scene: WideScene) -> None:
    scene.late.reason = "Resources"


def wait_for_what_is_over(scene: WideScene) -> None:
    scene.core.dependencies.unmet[scene.late.id] = [Condition("afterany", ())]


def try_too_often(scene: WideScene) -> None:
    scene.again.retries = 2


def run_uncounted(scene: WideScene) -> None:
    scene.again.earlier_runs = scene.again.earlier_runs * 2


def try_too_early(scene: WideScene) -> None:
    scene.again.eligible_at = (scene.again.eligible_at or 0) - 0.5


def leave_aside(scene: WideScene) -> None:
    scene.cluster.scaling = ScalePolicy(min_nodes=0, max_nodes=9)


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("I1", share_a_gpu_id),
        ("I1", take_an_unknown_gpu),
        ("I1", lose_a_gpu),
        ("I5", lose_a_member),
        ("I4", forget_a_task),
        ("I4", count_a_task_twice),
        ("I4", forget_what_it_waits_for),
        ("I6", start_a_dependent),
        ("I6", give_another_reason),
        ("I6", wait_for_what_is_over),
        ("I9", try_too_often),
        ("I9", run_uncounted),
        ("I9", try_too_early),
        ("I11", leave_aside),
    ],
)
def test_damage_to_more_than_plain_jobs_is_noticed(rule: str, damage: Callable[[WideScene], None]) -> None:
    scene = WideScene()
    damage(scene)
    with pytest.raises(AssertionError, match=rf"^{rule} violated: "):
        scene.backend.check_invariants()


def test_a_free_node_for_the_head_is_noticed() -> None:
    world = World(nodes=2)
    world.drain_node("main-002")
    for _ in range(2):
        world.submit("sleep 100", resources=Resources(4))
    world.wait(1)
    # A node comes up and nobody tells the scheduler.
    world.backend._facility.sites["cluster-1"].fleet._set_state(world.node(2), NodeState.READY)
    with pytest.raises(AssertionError, match=r"^I11 violated: job job_2 could run on free nodes"):
        world.backend.check_invariants()


@pytest.mark.parametrize("scheduler", ["easy", "conservative"])
@pytest.mark.parametrize(("rule", "start"), [("I7", 0.0), ("I1", 1.0)])
def test_a_reservation_that_cannot_be_kept_is_noticed(scheduler: SchedulerName, rule: str, start: float) -> None:
    world = World(nodes=1, scheduler=scheduler)
    world.submit("sleep 100", resources=Resources(4), time_limit=100.0)
    head = world.submit("sleep 100", resources=Resources(4), time_limit=100.0)
    world.wait(10)
    backfill = world.backend._facility.sites["cluster-1"].scheduler.backfill
    assert backfill is not None
    slot = backfill.reservations[head.number]
    assert slot is not None
    # Its time has passed, or the node is taken then.
    backfill.reservations[head.number] = slot._replace(start=world.backend.now + start)
    with pytest.raises(AssertionError, match=rf"^{rule} violated: "):
        world.backend.check_invariants()


@pytest.mark.parametrize("scheduler", ["easy", "conservative"])
def test_a_free_node_for_one_that_could_be_backfilled_is_noticed(scheduler: SchedulerName) -> None:
    world = World(nodes=2, scheduler=scheduler)
    world.drain_node("main-002")
    world.submit("sleep 100", resources=Resources(4), time_limit=100.0)
    world.submit("sleep 10", resources=Resources(4), time_limit=10.0)
    world.wait(1)
    world.backend._facility.sites["cluster-1"].fleet._set_state(world.node(2), NodeState.READY)
    with pytest.raises(AssertionError, match=r"^I11 violated: job_2 could run to its limit on free nodes"):
        world.backend.check_invariants()
