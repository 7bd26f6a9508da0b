"""Quantities stay as they were written, and are compared by their exact value."""

from __future__ import annotations

import copy
import json
import pickle
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk import Quantity
from vantage_sdk.models.quantity import LONGEST, UNITS

VALUES = {
    "2": 2,
    "0": 0,
    "+3": 3,
    "-2": -2,
    "007": 7,
    "500m": Decimal("0.5"),
    ".5": Decimal("0.5"),
    "5.": 5,
    "1.50": Decimal("1.5"),
    "2000m": 2,
    "100n": Decimal("1e-7"),
    "3u": Decimal("0.000003"),
    "1e3": 1000,
    "1E3": 1000,
    "1.5e-3": Decimal("0.0015"),
    "12e+2": 1200,
    "1k": 10**3,
    "1M": 10**6,
    "1G": 10**9,
    "1T": 10**12,
    "1P": 10**15,
    "1E": 10**18,
    "1Ki": 2**10,
    "1Mi": 2**20,
    "8Gi": 8 * 2**30,
    "1Ti": 2**40,
    "1Pi": 2**50,
    "1Ei": 2**60,
    "1.5Gi": 3 * 2**29,
    "8KB": 8000,
    "8MB": 8 * 10**6,
    "8GB": 8 * 10**9,
    "0B": 0,
    "512B": 512,
    "1TB": 10**12,
    "0.1Ki": Decimal("102.4"),
    "9007199254740993": 2**53 + 1,
}
BAD = [
    *("", " ", "abc", "Gi", ".", "+", "--1", "1 Gi", " 1", "1\n", "1,5", "1_000", "0x10", "1K", "1KI", "1gi"),
    *("1Zi", "1e", "1e1.5", "1e3Ki", "1mKi", "inf", "nan", "٣", "1e999", "9" * (LONGEST + 1)),
]


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_the_value_is_exact_and_the_text_stays(text: str, value: Any) -> None:
    quantity = Quantity(text)
    assert quantity.value == value
    assert type(quantity.value) is type(value)
    assert (str(quantity), f"{quantity}", json.dumps(quantity)) == (text, text, json.dumps(text))
    assert repr(quantity) == f"Quantity({text!r})"
    for twin in (pickle.loads(pickle.dumps(quantity)), copy.deepcopy(quantity), Quantity(quantity)):
        assert (type(twin), str(twin), twin.value) == (Quantity, text, value)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity: write a number"):
        Quantity(text)


@pytest.mark.parametrize("amount", [None, True, b"1", [1], {}])
def test_other_types_are_refused(amount: Any) -> None:
    with pytest.raises(TypeError, match="a quantity is text or a number"):
        Quantity(amount)


@pytest.mark.parametrize(("amount", "text"), [(2, "2"), (0.5, "0.5"), (Decimal("1.50"), "1.50"), (1e-7, "1e-07")])
def test_numbers_become_text(amount: Any, text: str) -> None:
    assert str(Quantity(amount)) == text
    assert Quantity(amount).value == Decimal(text)


def test_equal_values_are_equal_and_have_one_hash() -> None:
    assert Quantity("1Gi") == Quantity("1024Mi")
    assert Quantity("1Gi") != Quantity("1GB")
    assert hash(Quantity("1Gi")) == hash(Quantity("1024Mi")) == hash(2**30)
    assert hash(Quantity("0.5")) == hash(Quantity("500m")) == hash(Decimal("0.5"))
    assert {Quantity("1Gi"), Quantity("1024Mi"), 2**30} == {2**30}


def test_numbers_and_texts_are_compared_by_value_too() -> None:
    assert Quantity("2") == 2 == Quantity("2000m")
    assert Quantity("8Gi") == "8Gi"
    assert "8192Mi" == Quantity("8Gi")  # noqa: SIM300  the order is the point
    assert Quantity("2") != "two"
    assert Quantity("2") != None  # noqa: E711
    assert not Quantity("2") == [2]  # noqa: SIM201
    assert Quantity("1") != True  # noqa: E712


def test_order_is_that_of_the_values() -> None:
    assert Quantity("1GB") < Quantity("1Gi") <= Quantity("1024Mi") < Quantity("2G")
    assert Quantity("1Gi") > "1GB"
    assert "900m" < Quantity("1") >= 1
    assert Quantity("10") > "9"  # which letters would deny
    assert sorted(map(Quantity, ("10", "9", "1Ki", "500m"))) == ["500m", "9", "10", "1Ki"]
    assert max(Quantity("9Gi"), Quantity("10Gi")) == "10Gi"


@pytest.mark.parametrize("other", ["abc", None, [], b"1"])
def test_what_has_no_value_has_no_order(other: Any) -> None:
    for compare in (lambda: Quantity("1") < other, lambda: other < Quantity("1"), lambda: Quantity("1") >= other):
        with pytest.raises(TypeError):
            compare()


@given(st.integers(0, 10**12), st.integers(0, 999), st.sampled_from(sorted(UNITS)))
@settings(max_examples=80)
def test_any_amount_is_exact(whole: int, thousandths: int, unit: str) -> None:
    text = f"{whole}.{thousandths:03}{unit}"
    wanted = (Fraction(whole) + Fraction(thousandths, 1000)) * Fraction(UNITS[unit])
    assert Fraction(Quantity(text).value) == wanted


@given(st.text(max_size=12))
@settings(max_examples=80)
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with suppress(ValueError):
        assert str(Quantity(text)) == text
