"""A wait is what the server asks for, never junk, and never an error."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk.core.hints import ABSURD, retry_after

NOW = 1_800_000_000.0
NAMES = ("retry-after-ms", "retry-after", "x-ratelimit-reset", "x-ratelimit-window")


def http_date(moment: float) -> str:
    return formatdate(moment, usegmt=True)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("1.5", 1.5),
        (".5", 0.5),
        (" 3 ", 3.0),
        ("-1", 0.0),
        ("-9999999999", 0.0),
        ("3600", 3600.0),
        ("1e10", None),
        ("9999999999", None),
        ("1" + "0" * 400, None),
        ("-1" + "0" * 400, None),
        ("NaN", None),
        ("inf", None),
        ("-inf", None),
        ("1_000", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        (",", None),
        ("3, 5", 5.0),
        ("5, 3", 5.0),
        ("junk, 5", 5.0),
        ("9999999999, 5", 5.0),
        (http_date(NOW + 30), 30.0),
        (http_date(NOW - 30), 0.0),
        (http_date(0), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        (f"{http_date(NOW + 30)}, 50", 50.0),
        (f"20, {http_date(NOW + 30)}", 30.0),
        (f"{http_date(NOW + 30)}, {http_date(NOW + 40)}", 40.0),
        ("Friday, 15-Jan-27 08:00:30 GMT", 30.0),
        ("Fri Jan 15 08:00:30 2027", 30.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Fri, 15 Jan 2027 07:59:60 GMT", 0.0),
        ("Fri, 15 Jux 2027 08:00:30 GMT", None),
        ("Fri, 32 Jan 2027 08:00:30 GMT", None),
        ("Fri, 15 Jan 2027 08:00:30 CET", None),
        ("Fri, 15 Jan 0000 08:00:30 GMT", None),
        ("15 Jan 2027", None),
    ],
)
def test_retry_after(value: str, wait: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == wait


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "junk", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-5"}, 0.0),
        ({"retry-after-ms": "9" * 30, "retry-after": "9"}, 9.0),
        ({"retry-after": "9", "x-ratelimit-reset": "20"}, 9.0),
        ({"retry-after": "nan", "x-ratelimit-reset": "20"}, 20.0),
        ({"x-ratelimit-reset": str(int(NOW) + 12)}, 12.0),
        ({"x-ratelimit-reset": str(int(NOW) - 12), "x-ratelimit-window": "60"}, 0.0),
        ({"x-ratelimit-reset": "999999999", "x-ratelimit-window": "60"}, 60.0),
        ({"x-ratelimit-reset": "1800000000000", "x-ratelimit-window": "60"}, 60.0),
        ({"x-ratelimit-reset": "1000000000"}, 0.0),
        ({"x-ratelimit-window": "3600"}, 3600.0),
        ({"x-ratelimit-window": "60, 3600"}, 3600.0),
        ({"x-ratelimit-window": "1h"}, None),
    ],
)
def test_the_first_usable_source_counts(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(headers, NOW) == wait


@pytest.mark.parametrize("skew", [-86_400, -3600, 0, 3600, 40 * 365 * 86_400])
def test_times_are_those_of_the_server(skew: int) -> None:
    server = NOW + skew
    date = {"date": http_date(server)}
    assert retry_after({**date, "retry-after": http_date(server + 30)}, NOW) == 30.0
    assert retry_after({**date, "x-ratelimit-reset": str(int(server) + 30)}, NOW) == 30.0


@pytest.mark.parametrize("date", ["", "junk", "Fri, 32 Jan 2027 08:00:00 GMT", "1800000000"])
def test_an_invalid_date_is_ours(date: str) -> None:
    assert retry_after({"date": date, "retry-after": http_date(NOW + 30)}, NOW) == 30.0


def test_a_doubled_date_header_is_understood() -> None:
    headers = {"date": f"{http_date(NOW - 60)}, {http_date(NOW - 60)}", "retry-after": http_date(NOW - 30)}
    assert retry_after(headers, NOW) == 30.0


DATES = st.builds(http_date, st.floats(0, 4e9))
NUMBERS = st.integers().map(str) | st.floats().map(str) | st.integers(0, 10**500).map(str)
VALUES = st.lists(st.text(max_size=20) | NUMBERS | DATES | st.sampled_from(["Mon,", "Sunday, 06-Nov-94 08:49:37 GMT"]))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, "date"]), VALUES.map(", ".join)), st.floats(0, 4e9))
def test_any_headers_give_a_sensible_wait_or_none(headers: dict[str, str], now: float) -> None:
    wait = retry_after(headers, now)
    assert wait is None or 0 <= wait <= ABSURD


@settings(deadline=None)
@given(st.floats(0, ABSURD), st.floats(0, ABSURD), st.sampled_from(NAMES[1:]))
def test_of_two_values_the_larger_counts(one: float, two: float, name: str) -> None:
    texts = [f"{value:.3f}" for value in (one, two)]
    assert retry_after({name: ", ".join(texts)}, NOW) == max(map(float, texts))
