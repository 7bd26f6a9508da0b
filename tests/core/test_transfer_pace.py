"""Pieces of an upload take about two seconds, whatever the network does, and have 1 to 64 MiB."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from vantage_sdk.core.transfer.appending import Pace

MIB = 1 << 20


def test_it_begins_with_8_mib() -> None:
    assert Pace().size == 8 * MIB


def test_a_fast_network_gets_larger_pieces_step_by_step() -> None:
    pace, sizes = Pace(), list[int]()
    for _ in range(5):
        pace.took(pace.size, 0.01)
        sizes.append(pace.size // MIB)
    assert sizes == [16, 32, 64, 64, 64]


@pytest.mark.parametrize(("seconds", "wanted"), [(8.0, 2 * MIB), (4.0, 4 * MIB), (2.0, 8 * MIB), (1.25, 12.8 * MIB)])
def test_a_piece_takes_two_seconds(seconds: float, wanted: float) -> None:
    pace = Pace()
    pace.took(8 * MIB, seconds)
    assert pace.size == int(wanted)


def test_a_slow_network_gets_small_ones_and_a_failure_halves_them() -> None:
    pace = Pace()
    pace.took(8 * MIB, 1000.0)
    assert pace.size == MIB
    pace.failed()
    assert pace.size == MIB
    pace = Pace()
    pace.failed()
    assert pace.size == 4 * MIB


@given(st.lists(st.floats(0, 1e6) | st.none(), max_size=30))
def test_it_stays_within_its_bounds(steps: list[float | None]) -> None:
    pace = Pace()
    for seconds in steps:
        pace.failed() if seconds is None else pace.took(pace.size, seconds)
        assert MIB <= pace.size <= 64 * MIB
        assert isinstance(pace.size, int)
