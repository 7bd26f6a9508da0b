"""Free resources by node over time."""

from __future__ import annotations

from math import inf

import pytest

from mock_server.cluster.profile import Claim, Profile, Slot

CPU = (1, 0, 0)
TWO = [(4, 100, 0), (4, 100, 2)]


def claim(cpus: int = 1, shares: int = 1, limit: float = 10.0, **options: object) -> Claim:
    """Return a claim on two nodes."""
    return Claim(1, (cpus, 0, 0), shares, eligible=0b11, limit=limit, **options)  # type: ignore[arg-type]


def test_what_is_free_now_is_taken_in_the_order_of_the_nodes() -> None:
    profile = Profile(100.0, TWO)
    assert profile.find(claim(4)) == Slot(100, 110, ((0, 1),))
    assert profile.find(claim(4, shares=2, limit=inf)) == Slot(100, inf, ((0, 1), (1, 1)))
    assert profile.find(claim(5)) is None
    assert profile.find(claim(1, shares=3)) is None


@pytest.mark.parametrize(
    ("share", "nodes"),
    [((1, 60, 0), ((1, 1),)), ((1, 0, 1), ((1, 1),)), ((1, 40, 0), ((0, 1),)), ((0, 0, 0), ((0, 1),))],
)
def test_cpus_memory_and_gpus_all_count(share: tuple[int, int, int], nodes: object) -> None:
    profile = Profile(0.0, [(1, 50, 0), (4, 100, 2)])
    found = profile.find(Claim(1, share, 1, 0b11, 10.0))
    assert found is not None
    assert found.nodes == nodes


def test_only_eligible_nodes_and_all_required_ones() -> None:
    profile = Profile(0.0, [(2, 0, 0)] * 4)
    assert profile.find(Claim(1, CPU, 2, eligible=0b1010)) == Slot(0, inf, ((1, 1), (3, 1)))
    assert profile.find(Claim(1, CPU, 2, eligible=0b1111, required=0b1000)) == Slot(0, inf, ((0, 1), (3, 1)))
    assert profile.find(Claim(1, CPU, 3, eligible=0b1111, packed=True, required=0b1000)) == Slot(
        0, inf, ((0, 1), (3, 2))
    )
    assert profile.find(Claim(1, CPU, 1, eligible=0b0011, required=0b1000)) is None


def test_an_end_makes_room() -> None:
    profile = Profile(0.0, [(1, 0, 0), (0, 0, 0)], [(30.0, 0, (3, 0, 0)), (50.0, 1, (4, 0, 0))])
    assert profile.find(claim(1)) == Slot(0, 10, ((0, 1),))
    assert profile.find(claim(2)) == Slot(30, 40, ((0, 1),))
    assert profile.find(claim(4, shares=2)) == Slot(50, 60, ((0, 1), (1, 1)))
    assert profile.find_now(claim(2)) is None


def test_members_of_a_gang_are_packed() -> None:
    profile = Profile(0.0, [(1, 0, 0), (2, 0, 0)], [(30.0, 0, (3, 0, 0)), (50.0, 1, (2, 0, 0))])
    assert profile.find(claim(1, shares=3, packed=True)) == Slot(0, 10, ((0, 1), (1, 2)))
    assert profile.find(claim(1, shares=6, packed=True)) == Slot(30, 40, ((0, 4), (1, 2)))
    assert profile.find(claim(2, shares=4, packed=True)) == Slot(50, 60, ((0, 2), (1, 2)))
    assert profile.find(claim(3, shares=3, packed=True)) is None
    assert profile.find(Claim(1, (0, 0, 0), 9, 0b10, 5.0, packed=True)) == Slot(0, 5, ((1, 9),))


def test_a_slot_must_be_free_to_its_end() -> None:
    profile = Profile(0.0, TWO)
    profile.reserve(Slot(20.0, 30.0, ((0, 1), (1, 1))), (4, 0, 0))
    assert profile.find(claim(1, limit=20)) == Slot(0, 20, ((0, 1),))
    assert profile.find(claim(1, limit=21)) == Slot(30, 51, ((0, 1),))
    assert profile.find(claim(1, limit=inf)) == Slot(30, inf, ((0, 1),))
    profile.restore(Slot(20.0, 30.0, ((0, 1), (1, 1))), (4, 0, 0))
    assert profile.find(claim(1, limit=inf)) == Slot(0, inf, ((0, 1),))


def test_the_same_nodes_must_be_free_all_the_time() -> None:
    profile = Profile(0.0, TWO)
    profile.reserve(Slot(0.0, 10.0, ((1, 1),)), (4, 0, 0))
    profile.reserve(Slot(10.0, 20.0, ((0, 1),)), (4, 0, 0))
    assert profile.find(claim(1, limit=10)) == Slot(0, 10, ((0, 1),))
    assert profile.find(claim(1, limit=11)) == Slot(10, 21, ((1, 1),))
    assert profile.find(claim(1, limit=11, packed=True)) == Slot(10, 21, ((1, 1),))


def test_who_waits_for_what_never_ends_is_planned_after_everything() -> None:
    profile = Profile(0.0, [(0, 0, 0), (2, 0, 0)], [(inf, 0, (4, 0, 0)), (9.0, 1, (2, 0, 0))])
    slot = profile.find(claim(4, shares=2))
    assert slot is not None
    assert slot == Slot(inf, inf, ((0, 1), (1, 1)))
    profile.reserve(slot, (4, 0, 0))
    assert profile.find(claim(2, limit=1e9)) == Slot(0, 1e9, ((1, 1),))
    assert profile.find(claim(1, limit=inf)) is None


def test_what_should_have_ended_is_expected_to_end_soon() -> None:
    profile = Profile(100.0, [(0, 0, 0)], [(90.0, 0, CPU), (100.0, 0, CPU)])
    assert profile.find(Claim(1, CPU, 1, 1, 10.0)) == Slot(101, 111, ((0, 1),))


def test_whether_a_slot_is_free() -> None:
    profile = Profile(0.0, [(1, 0, 0), (2, 0, 0)], [(5.0, 0, CPU)])
    assert profile.fits(Slot(5.0, inf, ((0, 2), (1, 2))), CPU)
    assert not profile.fits(Slot(4.0, 6.0, ((0, 2),)), CPU)
    assert not profile.fits(Slot(-1.0, 6.0, ((1, 1),)), CPU)
    profile.reserve(Slot(10.0, 12.0, ((1, 1),)), CPU)
    assert not profile.fits(Slot(5.0, 11.0, ((1, 2),)), CPU)
    assert profile.fits(Slot(5.0, 10.0, ((1, 2),)), CPU)


def test_whether_a_slot_may_improve() -> None:
    profile = Profile(0.0, [(0, 0, 0), (0, 0, 0)], [(50.0, 0, (4, 0, 0)), (inf, 1, (4, 0, 0))])
    for asked in (claim(4, limit=10.0), claim(4, limit=inf), claim(2, 2, 10.0, packed=True)):
        slot = profile.find(asked)
        assert slot is not None
        assert slot.start == 50
        profile.reserve(slot, asked.share)
        assert not profile.may_improve(asked, slot)
        profile.restore(slot, asked.share)
    both = claim(4, shares=2, limit=inf)
    last = Slot(inf, inf, ((0, 1), (1, 1)))
    profile.reserve(last, both.share)
    assert not profile.may_improve(both, last)
    free = Profile(0.0, TWO)
    free.reserve(last, both.share)
    assert free.may_improve(both, last)
    assert free.may_improve(claim(4, 2, packed=True), Slot(5.0, 15.0, ((0, 1), (1, 1))))
