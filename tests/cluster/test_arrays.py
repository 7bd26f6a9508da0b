"""Arrays of jobs."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.cluster.backend import NotFoundError, RequestError, StateError
from mock_server.cluster.job import Job, JobState
from tests.cluster.world import World, reasons, run, text


def array(world: World, command: str = "sleep 10", tasks: tuple[int, ...] = (1, 2, 5), **options: object) -> list[Job]:
    first = world.submit(command, array=tasks, **options)
    assert first.array_job_id is not None
    return list(world.backend.array(first.array_job_id))


def test_each_task_is_a_job(world: World) -> None:
    tasks = array(world, "echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID", environment={"A": "1"})
    assert [(task.id, task.array_job_id, task.array_task_id) for task in tasks] == [
        ("job_1_1", "job_1", 1),
        ("job_1_2", "job_1", 2),
        ("job_1_5", "job_1", 5),
    ]
    assert list(world.backend.jobs) == [task.id for task in tasks]
    world.finish()
    assert [text(task) for task in tasks] == [["job_1 1"], ["job_1 2"], ["job_1 5"]]
    assert tasks[0].environment == {"A": "1"}


def test_ids_of_arrays_are_not_given_out_again(world: World) -> None:
    array(world, id_form="s9s")
    assert next(iter(world.backend.jobs)) == "1_1"
    assert world.submit(id_form="s9s").id == "2"
    assert [task.array_job_id for task in array(world, id_form="s9s")] == ["3"] * 3
    assert world.submit(id_form="jobservice").id.startswith("job-")
    world.finish()


def test_so_many_tasks_at_once(world: World) -> None:
    tasks = array(world, tasks=tuple(range(5)), array_limit=2)
    other = array(world, tasks=(0,), array_limit=2)
    world.wait(5)
    assert [task.state is JobState.RUNNING for task in tasks] == [True, True, False, False, False]
    assert reasons(*tasks[2:]) == ["JobArrayTaskLimit"] * 3
    assert other[0].state is JobState.RUNNING
    world.cancel(tasks[0])
    world.wait(1)
    assert tasks[2].state is JobState.RUNNING
    world.finish()
    assert [task.state for task in tasks[1:]] == [JobState.COMPLETED] * 4


def test_commands_on_the_array_are_for_all_tasks(world: World) -> None:
    tasks = array(world, nodes=2)
    assert world.hold("job_1", "not yet") is tasks[0]
    assert [(task.held, task.hold_reason) for task in tasks] == [(True, "not yet")] * 3
    world.wait(5)
    assert reasons(*tasks) == ["JobHeldUser"] * 3
    world.set_priority("job_1", 7)
    assert [task.priority for task in tasks] == [7, 7, 7]
    world.release("job_1_1")
    world.wait(20)
    assert [task.state is JobState.COMPLETED for task in tasks] == [True, False, False]
    world.release("job_1")
    world.wait(1)
    assert world.cancel("job_1", "enough") is tasks[0]
    assert [(task.state.value, task.cancel_reason) for task in tasks] == [
        ("completed", None),
        ("cancelled", "enough"),
        ("cancelled", "enough"),
    ]
    for command in (world.cancel, world.hold, world.release):
        with pytest.raises(StateError):
            command("job_1")
    with pytest.raises(StateError):
        world.set_priority("job_1", 1)


def test_a_cancelled_array_stays_as_it_is(world: World) -> None:
    array(world)
    world.cancel("job_1")
    before = world.backend.events()
    world.cancel("job_1")
    assert world.backend.events() == before


def test_tasks_and_arrays_can_be_deleted(world: World) -> None:
    tasks = array(world)
    world.delete(tasks[1])
    assert [task.array_task_id for task in world.backend.array("job_1")] == [1, 5]
    run(world.backend.delete("job_1"))
    assert world.backend.jobs == {}
    with pytest.raises(NotFoundError):
        world.backend.array("job_1")
    world.finish()


def test_an_array_has_one_idempotency_key(world: World) -> None:
    tasks = array(world, idempotency_key="k")
    assert world.submit(array=(1, 2, 5), idempotency_key="k") is tasks[0]
    world.delete(tasks[1])
    assert world.submit(array=(1, 2, 5), idempotency_key="k") is tasks[0]
    assert len(world.backend.jobs) == 2
    world.finish()


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("array", {"array": (1, 1)}),
        ("array", {"array": (-1,)}),
        ("array", {"array": tuple(range(1_002))}),
        ("array_limit", {"array": (1,), "array_limit": 0}),
        ("array_limit", {"array_limit": 1}),
    ],
)
def test_what_is_no_array_is_refused(world: World, field: str, options: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        world.submit(**options)
    assert caught.value.field == field
    assert world.backend.jobs == {}
