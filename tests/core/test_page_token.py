"""A token leads back to where it was made, and nothing else is taken for one."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk.core.page_token import LARGEST, LONGEST, decode, digest, encode

VALID = encode(100, 50, "abc")


@settings(deadline=None)
@given(st.integers(0, LARGEST), st.integers(1, LARGEST), st.dictionaries(st.text(), st.text() | st.integers()))
def test_round_trip(offset: int, limit: int, filters: dict[str, object]) -> None:
    token = encode(offset, limit, digest(filters))
    assert decode(token) == (offset, limit, digest(filters))
    assert token.replace("_", "").replace("-", "").replace(".", "").isalnum()
    assert token.isascii()


@pytest.mark.parametrize(("offset", "limit"), [(-1, 1), (0, 0), (0, -1), (LARGEST + 1, 1), (0, LARGEST + 1)])
def test_only_places_in_a_list_are_encoded(offset: int, limit: int) -> None:
    with pytest.raises(ValueError, match="begins at 0 or later and has at least 1 item"):
        encode(offset, limit, "abc")


def test_a_token_that_would_not_be_read_is_not_made() -> None:
    with pytest.raises(ValueError, match="at most 256 characters"):
        encode(0, 1, "x" * LONGEST)


def forged(fields: object, version: str = "v1.") -> str:
    text = fields if isinstance(fields, str) else json.dumps(fields, separators=(",", ":"))
    return version + urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_forged_is_like_encoded() -> None:
    assert forged([100, 50, "abc"]) == VALID


@pytest.mark.parametrize(
    "token",
    [
        "",
        "v1.",
        "2",
        "eyJvZmZzZXQiOjEwMH0",
        VALID.removeprefix("v1."),
        VALID.replace("v1.", "v2."),
        VALID + "=",
        VALID + "\n",
        " " + VALID,
        VALID[:-1],
        VALID + "A",
        VALID[:9] + "*" + VALID[9:],
        VALID + "é",
        VALID + "\ud800",
        "v1." + "A" * 300,
        "v1." + "[" * 200,
        forged([-1, 50, "abc"]),
        forged([100, 0, "abc"]),
        forged([100, 50, 3]),
        forged([100, 50]),
        forged([100, 50, "abc", 1]),
        forged([True, 50, "abc"]),
        forged([1.0, 50, "abc"]),
        forged(["100", 50, "abc"]),
        forged([100, None, "abc"]),
        forged([10**30, 50, "abc"]),
        forged({"offset": 1, "limit": 2, "digest": "abc"}),
        forged('[100, 50, "abc"]'),
        forged("[" * 180),
        forged("NaN"),
        forged('"abc"'),
    ],
)  # fmt: skip
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="^page_token is not valid; pass the next_page_token of a page") as caught:
        decode(token)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("token", [None, 3, b"v1.x", ["v1."]])
def test_what_is_not_text_is_refused_alike(token: Any) -> None:
    with pytest.raises(ValueError, match="^page_token "):
        decode(token)


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: "v1." + urlsafe_b64encode(data).decode()))
def test_any_text_is_a_token_of_ours_or_a_value_error(token: str) -> None:
    try:
        fields = decode(token)
    except ValueError as error:
        assert str(error).startswith("page_token ")
        return
    assert encode(*fields) == token


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.lists(st.text())), st.randoms())
def test_the_digest_does_not_depend_on_order_or_absent_filters(filters: dict[str, object], random: Any) -> None:
    items = list(filters.items())
    random.shuffle(items)
    given_only = {name: value for name, value in items if value is not None}
    assert digest(filters) == digest(dict(items)) == digest(given_only)
    assert len(digest(filters)) == 16


DISTINCT: list[dict[str, object]] = [
    {},
    {"a": "1"},
    {"a": 1},
    {"a": True},
    {"a": "true"},
    {"b": "1"},
    {"a": ["x", "y"]},
    {"a": ["y", "x"]},
    {"a": "x,y"},
    {"a": {"x": "y"}},
    {"a": datetime(2026, 1, 1, tzinfo=UTC)},
    {"a": datetime(2026, 1, 1)},
    {"a": timedelta(1)},
]


def test_other_filters_have_another_digest() -> None:
    assert len({digest(filters) for filters in DISTINCT}) == len(DISTINCT)


def test_equal_filters_have_the_same_digest() -> None:
    one = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert digest({"a": one}) == digest({"a": one.astimezone(timezone(timedelta(hours=2)))})
    assert digest({"a": ["x", "y"]}) == digest({"a": ("x", "y")})
    assert digest({"a": {"x": 1, "y": 2}}) == digest({"a": {"y": 2, "x": 1}})
    assert digest({"a": {1: "x", "1": 2}}) == digest({"a": {"1": 2, 1: "x"}})


def test_the_digest_is_the_same_in_another_process() -> None:
    code = "from vantage_sdk.core.page_token import digest; print(digest({'a': {'x', 'y', 'z'}, 'b': 1}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest({"b": 1, "a": frozenset("zyx")})
