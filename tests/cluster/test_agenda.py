"""The discrete-event loop."""

from __future__ import annotations

from functools import partial

import pytest

from mock_server.cluster.agenda import Agenda


def test_actions_run_by_time_and_then_in_the_order_of_scheduling() -> None:
    agenda = Agenda(0.0)
    ran: list[str] = []
    for at, name in [(2.0, "c"), (1.0, "a"), (1.0, "b"), (3.0, "later")]:
        agenda.schedule(at, partial(ran.append, name))
    agenda.run(2.0)
    assert ran == ["a", "b", "c"]
    assert agenda.now == 2.0
    assert agenda.next_at() == 3.0


def test_an_action_sees_its_own_instant() -> None:
    agenda = Agenda(0.0)
    seen: list[float] = []
    agenda.schedule(1.5, lambda: seen.append(agenda.now))
    agenda.run(9.0)
    assert seen == [1.5]
    assert agenda.now == 9.0


def test_what_an_action_schedules_for_now_runs_in_the_same_call() -> None:
    agenda = Agenda(0.0)
    ran: list[str] = []

    def first() -> None:
        agenda.schedule(agenda.now, partial(ran.append, "second"))

    agenda.schedule(1.0, first)
    agenda.run(1.0)
    assert ran == ["second"]


def test_nothing_is_scheduled_in_the_past() -> None:
    agenda = Agenda(5.0)
    agenda.schedule(1.0, lambda: None)
    assert agenda.next_at() == 5.0


def test_the_past_changes_nothing() -> None:
    agenda = Agenda(5.0)
    agenda.run(1.0)
    assert agenda.now == 5.0


def test_a_cancelled_action_neither_runs_nor_counts_as_next() -> None:
    agenda = Agenda(0.0)
    ran: list[str] = []
    ticket = agenda.schedule(1.0, partial(ran.append, "cancelled"))
    agenda.schedule(2.0, partial(ran.append, "kept"))
    agenda.cancel(ticket)
    agenda.cancel(ticket)
    assert agenda.next_at() == 2.0
    agenda.run_until_idle()
    assert ran == ["kept"]
    assert agenda.next_at() is None


def test_cancelled_actions_far_away_do_not_pile_up() -> None:
    agenda = Agenda(0.0)
    for _ in range(10_000):
        agenda.cancel(agenda.schedule(1e9, lambda: None))
    assert len(agenda) == 0
    assert len(agenda._heap) < 2_000


def test_running_within_an_action_is_left_to_the_loop() -> None:
    agenda = Agenda(0.0)
    ran: list[str] = []

    def act() -> None:
        agenda.run(100.0)
        ran.append("outer")

    agenda.schedule(1.0, act)
    agenda.schedule(2.0, partial(ran.append, "next"))
    agenda.run(1.0)
    assert ran == ["outer"]
    assert agenda.now == 1.0


def test_a_failing_action_leaves_the_loop_usable() -> None:
    agenda = Agenda(0.0)
    ran: list[str] = []
    agenda.schedule(1.0, lambda: ran.remove("nothing"))
    agenda.schedule(1.0, partial(ran.append, "next"))
    with pytest.raises(ValueError, match="not in list"):
        agenda.run(1.0)
    agenda.run(1.0)
    assert ran == ["next"]
