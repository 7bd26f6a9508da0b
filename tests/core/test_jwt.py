"""The end of a token is read off it; what is no token has none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk.core.jwt import LONGEST, expiry


def token(payload: Any) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b'=').decode()}.c2ln"


@pytest.mark.parametrize("ends", [1705315260, 1705315260.5, 0])
def test_exp_is_the_end(ends: float) -> None:
    assert expiry(token({"exp": ends, "sub": "ü" * 7})) == ends


@pytest.mark.parametrize("payload", [{}, {"exp": None}, {"exp": "soon"}, {"exp": True}, [], "text", {"exp": 1e999}])
def test_a_payload_without_a_usable_exp_has_no_end(payload: Any) -> None:
    assert expiry(token(payload)) is None


@pytest.mark.parametrize(
    "text",
    ["", "opaque", "a.b", "a.b.c", "..", "a.!!!!.c", "a.é.c", "e30.W10.", token({"exp": 1}) + ".more"]
    + ["e30." + "W" * LONGEST + ".c", "e30." + urlsafe_b64encode(b"[" * 20_000).decode() + ".c"],
)
def test_what_is_no_jwt_has_no_end(text: str) -> None:
    assert expiry(text) is None


@given(st.text(max_size=60))
@settings(max_examples=60)
def test_no_text_makes_it_fail(text: str) -> None:
    assert expiry(f"a.{text}.c") is None or "." not in text
