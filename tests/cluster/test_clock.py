"""The clocks."""

from __future__ import annotations

import pytest

from mock_server.cluster.clock import ManualClock, ScaledClock


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(10.0)
    assert clock.now() == 10.0
    assert clock.real_delay(11.0) is None
    clock.advance_to(11.0)
    assert (clock.now(), clock.real_delay(11.0)) == (11.0, 0.0)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance_to(10.0)


def test_a_scaled_clock_begins_where_it_is_told() -> None:
    clock = ScaledClock(1e-9, start=10.0)
    assert clock.now() == pytest.approx(10.0)
    assert clock.real_delay(9.0) == 0.0
    assert clock.real_delay(11.0) == pytest.approx(1e9)


def test_a_scaled_clock_begins_now_by_itself() -> None:
    assert ScaledClock().now() > 1.7e9


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_time_does_not_stand_still_or_run_backwards(factor: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(factor)
