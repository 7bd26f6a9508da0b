"""How far a channel has got, and where something is missing: the rules, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk.models.update import Update
from vantage_sdk.s9s.channels import Channel, Gap


def update(number: int | None = None, previous: int | None = None) -> Update:
    fields = {"sequence": number, "previous": previous}
    return Update.from_dict({"channel": "jobs"} | {name: value for name, value in fields.items() if value is not None})


def acknowledged(sequence: int | None = None, **fields: Any) -> dict[str, Any]:
    frame = {"action": "subscribed", "channel": "jobs"} | fields
    return frame if sequence is None else frame | {"sequence": sequence}


def begun(sequence: int | None = 10) -> Channel:
    channel = Channel("jobs", {"user": "alice"})
    assert json.loads(channel.greeting()) == {"action": "subscribe", "channel": "jobs", "filter": {"user": "alice"}}
    assert channel.acknowledge(acknowledged(sequence)) is None
    return channel


def kinds(found: list[Gap | Update]) -> list[Any]:
    return [(item.since, item.resumed) if isinstance(item, Gap) else item.sequence for item in found]


def again(channel: Channel) -> dict[str, Any]:
    """Make a new connection; return what subscribes on it."""
    greeting: dict[str, Any] = json.loads(channel.greeting())
    return greeting


def test_updates_whose_previous_one_was_seen_leave_no_gap() -> None:
    channel = begun()
    assert kinds(channel.take(update(12, 0))) == [12]  # the first that matches, whatever was before
    assert kinds(channel.take(update(15, 12))) == [15]
    assert kinds(channel.take(update(16, 15))) == [16]


def test_an_update_whose_previous_one_was_not_seen_leaves_one() -> None:
    channel = begun()
    channel.take(update(12, 0))
    assert kinds(channel.take(update(20, 18))) == [(12, 18), 20]
    assert kinds(channel.take(update(21, 20))) == [21]


def test_a_first_update_that_was_not_the_first_leaves_one() -> None:
    assert kinds(begun().take(update(13, 11))) == [(10, 11), 13]


def test_a_sign_of_life_tells_of_a_gap_when_nothing_follows() -> None:
    channel = begun()
    channel.take(update(12, 0))
    assert channel.acknowledge(acknowledged(20, previous=12)) is None
    assert channel.seen == 20
    gap = channel.acknowledge(acknowledged(30, previous=25))
    assert gap is not None
    assert (gap.since, gap.resumed) == (20, 30)
    assert channel.acknowledge(acknowledged(30, previous=25)) is None


def test_a_server_can_say_by_itself_that_it_left_out_updates() -> None:
    gap = begun().acknowledge(acknowledged(40, resync=True))
    assert gap is not None
    assert (gap.since, gap.resumed) == (10, 40)


def test_what_a_server_repeats_is_left_out() -> None:
    channel = begun()
    channel.take(update(12, 0))
    again(channel)
    channel.acknowledge(acknowledged(13))
    assert kinds(channel.take(update(12, 0))) == []
    assert kinds(channel.take(update(13, 12))) == [13]


def test_a_new_connection_asks_for_what_came_after() -> None:
    channel = begun()
    assert again(channel)["after"] == 10
    channel.take(update(12, 0))
    assert again(channel)["after"] == 12


@pytest.mark.parametrize(
    "answer",
    [acknowledged(99, resync=True), acknowledged(None), acknowledged(3), acknowledged(None, resync=True)],
    ids=["cannot", "not numbered", "numbered anew", "neither"],
)
def test_a_new_connection_that_promises_nothing_leaves_a_gap(answer: dict[str, Any]) -> None:
    channel = begun()
    channel.take(update(12, 0))
    again(channel)
    gap = channel.acknowledge(answer)
    assert gap is not None
    assert (gap.channel, gap.since, gap.resumed) == ("jobs", 12, answer.get("sequence"))


def test_after_numbers_began_anew_low_ones_are_new() -> None:
    channel = begun()
    channel.take(update(12, 0))
    again(channel)
    assert channel.acknowledge(acknowledged(3)) is not None
    assert kinds(channel.take(update(4, 3))) == [4]


@pytest.mark.parametrize("odd", [True, -1, "7", 7.0, None])
def test_a_number_that_is_none_promises_nothing(odd: Any) -> None:
    channel = begun()
    again(channel)
    assert channel.acknowledge(acknowledged() | {"sequence": odd}) is not None


def test_without_numbers_every_connection_leaves_a_gap() -> None:
    channel = begun(None)
    assert kinds(channel.take(update())) == [None]
    for _ in range(3):
        assert "after" not in again(channel)
        assert channel.acknowledge(acknowledged()) is not None
        assert kinds(channel.take(update())) == [None]


def test_without_an_acknowledgement_the_first_update_or_patience_tells() -> None:
    channel = Channel("jobs")
    channel.greeting()
    assert channel.unacknowledged() is None
    assert "filter" not in again(channel)
    assert kinds(channel.take(update())) == [(None, None), None]
    again(channel)
    assert channel.unacknowledged() is not None
    assert channel.unacknowledged() is None


def test_a_connection_that_broke_before_it_began_leaves_no_gap() -> None:
    channel = Channel("jobs")
    again(channel)
    again(channel)
    assert channel.acknowledge(acknowledged(5)) is None


def test_numbered_updates_before_the_acknowledgement_are_as_good_as_one() -> None:
    channel = begun()
    again(channel)
    assert kinds(channel.take(update(11, 10))) == [11]
    assert channel.acknowledge(acknowledged(11, previous=11)) is None
    again(channel)
    assert kinds(channel.take(update(15, 13))) == [(11, 13), 15]


def test_one_goes_on_after_a_number_from_elsewhere() -> None:
    channel = Channel.after("jobs", {}, 42)
    assert again(channel)["after"] == 42
    assert channel.acknowledge(acknowledged(50)) is None
    assert kinds(channel.take(update(42, 41))) == []
    assert kinds(channel.take(update(45, 0))) == [45]
    late = Channel.after("jobs", {}, 42)
    again(late)
    assert late.acknowledge(acknowledged(50, resync=True)) is not None


def test_going_back_asks_for_what_the_caller_has_not_got() -> None:
    channel = begun()
    for number, previous in ((11, 0), (12, 11), (13, 12)):
        channel.take(update(number, previous))
    channel.delivered(11)
    channel.rewind(lost=False)
    assert again(channel)["after"] == 11
    assert channel.acknowledge(acknowledged(13)) is None
    assert kinds(channel.take(update(12, 11))) == [12]


def test_going_back_before_a_gap_was_told_tells_it_again() -> None:
    channel = begun()
    channel.take(update(20, 15))
    channel.rewind(lost=True)
    assert "after" not in again(channel)
    gap = channel.acknowledge(acknowledged(20))
    assert gap is not None
    assert gap.since == 10


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["deliver"] * 4 + ["lose", "resume", "resync"])), max_size=30))
@settings(max_examples=200, deadline=None)
def test_every_hole_is_told_and_nothing_else(steps: list[tuple[bool, str]]) -> None:
    """A server that follows the rules loses updates here and there, on connections that break and on ones that do not."""
    channel, found, matching = begun(0), list[Gap | Update](), list[int]()

    def send(number: int) -> None:
        found.extend(channel.take(update(number, max([one for one in matching if one < number], default=0))))

    for number, (matches, step) in enumerate(steps, 1):
        if step in ("resume", "resync"):
            after = again(channel)["after"]
            gap = channel.acknowledge(acknowledged(number - 1, **({"resync": True} if step == "resync" else {})))
            found.extend([] if gap is None else [gap])
            assert (gap is None) == (step == "resume")
            for one in [one for one in matching if one > after and step == "resume"]:
                send(one)
        if matches:
            matching.append(number)
            if step != "lose":
                send(number)
    gap = channel.acknowledge(acknowledged(len(steps), previous=max(matching, default=0)))
    check([*found, gap] if gap else found, matching, sum(step == "resync" for _, step in steps))


def check(found: list[Gap | Update], matching: list[int], resyncs: int) -> None:
    """Check that each update came once, that before each hole there is a gap, and before anything else there is none."""
    left, gaps, needless = [*matching], 0, 0
    for item in found:
        if isinstance(item, Gap):
            gaps += 1
            continue
        assert item.sequence in left
        missing = left.index(item.sequence)
        assert gaps or not missing
        needless += max(0, gaps - bool(missing))
        left, gaps = left[missing + 1 :], 0
    assert gaps or not left
    assert needless + max(0, gaps - bool(left)) <= resyncs
