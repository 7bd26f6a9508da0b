"""The event history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.history import History
from tests.cluster.world import World

if TYPE_CHECKING:
    from mock_server.cluster.event import Event


def filled(count: int, limit: int = 100) -> History:
    history = History(limit)
    for number in range(count):
        history.record(float(number), "job.updated", "job")
    return history


def test_numbers_count_from_one_without_gaps() -> None:
    assert [event.sequence for event in filled(5).after(0)] == [1, 2, 3, 4, 5]


def test_after_returns_what_follows() -> None:
    history = filled(5)
    assert [event.sequence for event in history.after(3)] == [4, 5]
    assert history.after(5) == []
    assert history.after(99) == []
    assert len(history.after(-1)) == 5


def test_only_the_newest_are_kept() -> None:
    assert [event.sequence for event in filled(10, limit=3).after(0)] == [8, 9, 10]


def test_listeners_hear_everything_until_they_leave() -> None:
    history = History(1)
    heard: list[Event] = []
    leave = history.subscribe(heard.append)
    history.record(0.0, "a", "x")
    history.record(0.0, "b", "x", {"state": "running"})
    leave()
    leave()
    history.record(0.0, "c", "x")
    assert [event.kind for event in heard] == ["a", "b"]
    assert heard[1].data == {"state": "running"}


def test_a_listener_may_leave_while_it_listens() -> None:
    history = History(10)
    heard: list[str] = []

    def once(event: Event) -> None:
        heard.append(event.kind)
        leave()

    leave = history.subscribe(once)
    history.subscribe(lambda event: heard.append(f"other {event.kind}"))
    history.record(0.0, "a", "x")
    history.record(0.0, "b", "x")
    assert heard == ["a", "other a", "other b"]


def test_a_listener_sees_the_job_as_the_event_says(world: World) -> None:
    seen: list[tuple[str, str]] = []
    world.backend.subscribe(lambda event: seen.append((event.kind, world.backend.job(event.subject).state.value)))
    world.ran("echo hi")
    assert seen == [
        ("job.created", "pending"),
        ("job.started", "running"),
        ("job.log", "running"),
        ("job.completed", "completed"),
    ]


def test_a_listener_may_give_commands(world: World) -> None:
    def cancel(event: Event) -> None:
        if event.kind in {"job.started", "job.log"}:
            world.cancel(world.backend.job(event.subject))

    job = world.submit("echo hi; sleep 5")
    leave = world.backend.subscribe(cancel)
    world.finish()
    assert world.kinds(job.id) == ["job.created", "job.started", "job.cancelled"]
    leave()

    world.backend.subscribe(lambda event: cancel(event) if event.kind == "job.log" else None)
    for command in ("echo hi", "echo hi; sleep 5", "echo -n hi; sleep 5"):
        job = world.submit(command, time_limit=3.0)
        world.finish()
        assert world.kinds(job.id)[-2:] == ["job.log", "job.cancelled"], command
