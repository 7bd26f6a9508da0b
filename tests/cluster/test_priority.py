"""Multifactor priority and fair share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mock_server.cluster.fair_share import DAY, HALF_LIFE, DecayingMeter, FairShare, Share
from mock_server.cluster.priority import Factors, Weights, age_factor, part, priority


def test_without_weights_the_requested_priority_counts_alone() -> None:
    assert Weights().is_basic
    assert priority(7, Factors(1, 1, 1, 1, 1), Weights()) == 7


@pytest.mark.parametrize("name", ["age", "size", "qos", "partition", "fair_share"])
def test_each_factor_has_its_weight(name: str) -> None:
    weights = replace(Weights(), **{name: 1000})  # type: ignore[arg-type]
    assert not weights.is_basic
    assert priority(5, Factors(**{name: 0.25}), weights) == 255
    assert priority(5, Factors(), weights) == 5


def test_small_jobs_can_be_favoured() -> None:
    assert priority(0, Factors(size=0.25), Weights(size=100, favor_small=True)) == 75


def test_age_counts_up_to_its_limit() -> None:
    assert [age_factor(days * DAY, 7 * DAY) for days in (-1, 0, 3.5, 7, 70)] == [0, 0, 0.5, 1, 1]
    assert (part(1, 4), part(5, 4), part(1, 0)) == (0.25, 1, 0)


@pytest.mark.parametrize("wrong", [{"age": -1}, {"max_age": 0.0}])
def test_wrong_weights_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Weights(**wrong)


def test_usage_halves_every_half_life() -> None:
    meter = DecayingMeter(100.0)
    meter.add(1_000.0, 8.0)
    meter.add(1_001.0, -8.0)
    first = meter.level(1_001.0)
    assert first == pytest.approx(8.0, rel=0.01)
    assert [meter.level(1_001.0 + seconds) / first for seconds in (0, 100, 300)] == pytest.approx([1, 0.5, 0.125])


def test_the_meter_is_the_decayed_integral() -> None:
    meter = DecayingMeter(50.0)
    changes = [(0.0, 2.0), (30.0, 3.0), (90.0, -4.0)]
    for at, change in changes:
        meter.add(at, change)
    end, step = 200.0, 0.01
    expected = sum(
        step * sum(change for since, change in changes if since <= at) * 2 ** (-(end - at) / 50.0)
        for at in (step * (index + 0.5) for index in range(20_000))
    )
    assert meter.level(end) == pytest.approx(expected, rel=1e-4)


def used(accounts: dict[str, Share], **cpus: float) -> FairShare:
    """Let accounts have so many CPUs for a day."""
    fair = FairShare(accounts)
    for account, count in cpus.items():
        fair.allocate(account, 0.0, count)
        fair.allocate(account, DAY, -count)
    return fair


def test_the_factor_is_one_half_at_exactly_the_own_share() -> None:
    fair = used({"a": Share(3), "b": Share(1)}, a=3, b=1)
    assert [fair.share(name) for name in "ab"] == [0.75, 0.25]
    assert [fair.factor(name, 2 * DAY) for name in "ab"] == pytest.approx([0.5, 0.5])


def test_who_used_less_than_its_share_comes_first() -> None:
    fair = used({"a": Share(1), "b": Share(1), "idle": Share(1), "none": Share(0)}, a=2, b=1)
    factors = [fair.factor(name, DAY) for name in ("idle", "b", "a", "none")]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == 1
    assert factors[1:] == pytest.approx([0.5, 0.25, 0])


def test_the_children_of_a_busy_account_share_its_usage() -> None:
    accounts = {"x": Share(1), "y": Share(1), "x1": Share(1, "x"), "x2": Share(1, "x")}
    fair = used(accounts, x1=4, y=4)
    assert fair.usage("x", DAY) == pytest.approx(fair.usage("y", DAY))
    assert fair.share("x2") == 0.25
    # Own usage 0, the parent's 0.5, of which half its siblings' shares.
    assert fair.effective_usage("x2", DAY) == pytest.approx(0.25)
    assert fair.factor("x2", DAY) == pytest.approx(0.5)
    # Own usage 0.5, and the parent has no more than that.
    assert fair.factor("x1", DAY) == pytest.approx(0.25)


def test_past_usage_is_forgiven_while_others_use_the_machine() -> None:
    fair = used({"a": Share(1), "b": Share(1)}, a=1)
    assert fair.factor("a", DAY) == pytest.approx(0.25)
    fair.allocate("b", DAY, 1)
    factors = [fair.factor("a", DAY + weeks * HALF_LIFE) for weeks in range(1, 5)]
    assert factors == sorted(factors)
    assert factors[-1] > 0.9


def test_nobody_has_used_anything() -> None:
    fair = FairShare({"a": Share(1)})
    assert fair.factor("a", DAY) == 1
    assert fair.factor("unknown", DAY) == 1
