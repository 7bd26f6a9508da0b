"""Spans of time: read in every form, told apart by length, printed as they were written."""

from __future__ import annotations

import copy
import json
import math
import pickle
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk import Duration, S9SJob, S9SPartition

HOUR = timedelta(hours=1)
FORMS = {
    "2:15:30": timedelta(hours=2, minutes=15, seconds=30),
    "02:15:30": timedelta(hours=2, minutes=15, seconds=30),
    "7-00:00:00": timedelta(days=7),
    "1-12": timedelta(days=1, hours=12),
    "1-12:30": timedelta(days=1, hours=12, minutes=30),
    "15:00": timedelta(minutes=15),
    "00:00:01.5": timedelta(seconds=1.5),
    "49:00:00": timedelta(hours=49),
    "2h": timedelta(hours=2),
    "1247h": timedelta(hours=1247),
    "127.5h": timedelta(hours=127.5),
    "12m 34s": timedelta(minutes=12, seconds=34),
    "2h 15m": timedelta(hours=2, minutes=15),
    "2H15M": timedelta(hours=2, minutes=15),
    "1w 1d": timedelta(days=8),
    "720": timedelta(seconds=720),
    "0": timedelta(0),
    "7200.25": timedelta(seconds=7200.25),
}
NONE = [
    *(
        "",
        " ",
        "x",
        "1:2:3:4",
        "2h 3h",
        "5m 2h",
        "-5",
        "+5",
        "1.5:00",
        "1-",
        "-1:00",
        "1d-2",
        "1 2",
        "2h,3m",
        "1e3",
        "nan",
    ),
    *("²", "١٢", "1:²", "9" * 65, "9" * 30, "999999999999-00:00:00", "12m34", "Partition_Limit"),
]


@pytest.mark.parametrize(("text", "span"), FORMS.items())
def test_every_form_is_read_and_printed_unchanged(text: str, span: timedelta) -> None:
    duration = Duration(text)
    assert duration.timedelta == span
    assert duration.total_seconds() == span.total_seconds()
    assert (str(duration), f"{duration}", json.dumps({"a": duration})) == (text, text, f'{{"a": "{text}"}}')
    assert repr(duration) == f"Duration({text!r})"
    assert not duration.is_unlimited


@pytest.mark.parametrize("text", NONE)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a span of time is written like 2:15:30, 7-00:00:00, 12m 34s or 2h"):
        Duration(text)


@pytest.mark.parametrize("text", ["UNLIMITED", "INFINITE", "infinite"])
def test_no_limit_is_longer_than_any_other(text: str) -> None:
    duration = Duration(text)
    assert (duration.is_unlimited, duration.timedelta, duration.total_seconds()) == (True, None, math.inf)
    assert Duration("999-00:00:00") < duration
    assert timedelta.max < duration
    assert duration == Duration("UNLIMITED") == Duration(math.inf)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3600, "1:00:00"),
        (HOUR, "1:00:00"),
        (timedelta(days=7, seconds=3), "7-00:00:03"),
        (90.5, "0:01:30.5"),
        (0, "0:00:00"),
        (timedelta(microseconds=1), "0:00:00.000001"),
    ],
)
def test_numbers_and_timedeltas_become_a_clock(value: Any, text: str) -> None:
    assert str(Duration(value)) == text
    assert Duration(text) == Duration(value)


@pytest.mark.parametrize("value", [-1, -0.5, math.nan, timedelta(seconds=-1), 1e300, 10**30])
def test_a_number_that_is_no_span_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a duration is from 0"):
        Duration(value)


@pytest.mark.parametrize("value", [True, None, [1], b"2h"])
def test_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a duration is text, seconds or a timedelta, not"):
        Duration(value)


def test_they_compare_by_length() -> None:
    two = Duration("2h")
    assert two == Duration("120m") == "2:00:00" == two == timedelta(hours=2)
    assert hash(two) == hash(Duration("7200")) == hash(timedelta(hours=2))
    assert two != Duration("2:00:01")
    assert two != "not a time"
    assert two != 7200
    assert two < "2:00:01"
    assert two <= Duration("2h")
    assert two > HOUR
    assert two >= timedelta(hours=2)
    assert two > HOUR
    assert sorted([Duration("3-0"), Duration("90m"), Duration("1:00")]) == ["1:00", "90m", "3-0"]
    assert max(Duration("59m"), Duration("0:59:01")) == "59m 1s"
    with pytest.raises(TypeError):
        assert two < 7200  # type: ignore[operator]
    with pytest.raises(TypeError):
        assert two < "not a time"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_they_can_be_copied_and_pickled(again: Any) -> None:
    twin = again(Duration("12m 34s"))
    assert (type(twin), str(twin), twin.total_seconds()) == (Duration, "12m 34s", 754)


@settings(max_examples=50)
@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1000)))
def test_a_clock_that_was_made_is_read_back_exactly(span: timedelta) -> None:
    assert Duration(str(Duration(span))).timedelta == span


@settings(max_examples=100)
@given(st.text(alphabet="0123456789:-. dhms", max_size=12))
def test_text_is_read_or_refused_and_nothing_else_happens(text: str) -> None:
    try:
        duration = Duration(text)
    except ValueError:
        return
    assert str(duration) == text
    assert duration.timedelta is not None


def test_models_have_them_and_keep_what_is_none(caplog: pytest.LogCaptureFixture) -> None:
    job = S9SJob.from_dict({"job_id": "1", "state": "RUNNING", "elapsed_time": 90, "time_limit": "soon"})
    assert isinstance(job.elapsed_time, Duration)
    assert job.elapsed_time == timedelta(seconds=90)
    assert job.time_limit == "soon"
    assert job.to_dict() == {"job_id": "1", "state": "RUNNING", "elapsed_time": 90, "time_limit": "soon"}
    assert "time_limit" in caplog.text
    assert S9SPartition(name="p", max_time=Duration("7-00:00:00")).to_dict() == {"name": "p", "max_time": "7-00:00:00"}
