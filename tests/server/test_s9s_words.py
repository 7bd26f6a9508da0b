"""Durations, amounts and ranges as S9S spells them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st
from pydantic_core import PydanticCustomError

from mock_server.s9s.amounts import memory_text
from mock_server.s9s.durations import PATTERN, clock_text, hours_text, limit_text, parse_duration, spaced_text
from mock_server.s9s.fields import ARRAY_PATTERN, any_case, parse_array


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2:15:30", 8130),
        ("4:00:00", 14400),
        ("7-00:00:00", 604800),
        ("1-12", 129600),
        ("30:00", 1800),
        ("2h", 7200),
        ("127.5h", 459000),
        ("12m 34s", 754),
        ("2h 15m", 8100),
        ("1w", 604800),
        ("90", 90),
        (" 0.5 ", 0.5),
    ],
)
def test_all_printed_forms_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-5", "5x", "1h-2", "1e3", "٣", "h", "1::2", "1 2", "inf"])
def test_other_texts_are_not(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**8))
def test_what_is_written_can_be_read(seconds: int) -> None:
    assert parse_duration(clock_text(seconds)) == seconds
    assert parse_duration(hours_text(seconds)) == pytest.approx(seconds, abs=180)
    assert seconds - 86_400 < parse_duration(spaced_text(seconds)) <= seconds
    assert re.search(PATTERN, clock_text(seconds))


def test_printed_forms_are_written() -> None:
    assert [clock_text(seconds) for seconds in (0, 8130.9, 604800)] == ["0:00:00", "2:15:30", "7-00:00:00"]
    now = 1_705_314_600.7  # which has no exact double
    assert (clock_text(now + 0.1 + 60 - (now + 0.1)), clock_text(59.999)) == ("0:01:00", "0:00:59")
    assert (clock_text(59.9999998), spaced_text(59.9999998)) == ("0:01:00", "1m")
    assert [hours_text(hours * 3600) for hours in (0, 0.025, 10, 127.5, 1247)] == [
        "0h",
        "0.025h",
        "10h",
        "127.5h",
        "1247h",
    ]
    assert [spaced_text(seconds) for seconds in (0, 754, 8100, 90061)] == ["0s", "12m 34s", "2h 15m", "1d 1h"]
    assert (limit_text(None), limit_text(7200)) == ("UNLIMITED", "2:00:00")


def test_memory() -> None:
    amounts = (0, 500, 1000, 512e6, 128e9, 1.5e9, 8 * 2**30)
    assert [memory_text(amount) for amount in amounts] == ["0B", "500B", "1KB", "512MB", "128GB", "1.5GB", "8.59GB"]


def test_arrays() -> None:
    assert parse_array("0-31%4") == (tuple(range(32)), 4)
    assert parse_array("3,1,5-9:2,1") == ((1, 3, 5, 7, 9), None)
    for text in ("", "a", "1-", "5-1", "1-5:0", "1%0", "0-9999999", ",".join(f"{n}000-{n}999" for n in range(1, 12))):
        with pytest.raises(PydanticCustomError):
            parse_array(text)
    assert re.search(ARRAY_PATTERN, "1,3,5-9:2%4")


def test_words_in_any_case() -> None:
    pattern = any_case(["NODE_FAIL", "RUNNING"])
    assert re.search(pattern, "node_Fail")
    assert not re.search(pattern, "running now")
