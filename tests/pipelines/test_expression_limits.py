"""Expressions that want too much, or that are no expressions at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from mock_server.pipelines.errors import ExpressionError
from mock_server.pipelines.expressions import parse, terms
from mock_server.pipelines.expressions.syntax import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from tests.pipelines.graphs import computed, failure, over_run
from tests.support.effort import effort

PIECES = st.sampled_from(
    ["x", "t", "1", "2.5", "'a'", "null", "true", "(", ")", ",", "+", "-", "*", "/", "**", "%", "//", "==", "<", "and"]
    + [
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "if(",
        "round(",
        "min(",
        "coalesce(",
        "length(",
        "col(",
        " ",
        "for",
        ":",
        ".",
    ]
)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1" * (MAX_LENGTH + 1), f"Expression is longer than {MAX_LENGTH} characters"),
        ("1" * MAX_LENGTH, "Number is too large at position 0"),
        ("-" * (MAX_DEPTH + 1) + "1", f"Expression is nested more than {MAX_DEPTH} deep"),
        ("-" * 999 + "1", f"Expression is nested more than {MAX_DEPTH} deep"),
        ("(" * 150 + "1" + ")" * 150, None),
        ("(" * 450 + "1" + ")" * 450, "Syntax error at position 200"),
        ("x in (" + "1," * (MAX_NODES + 1) + ")", f"Expression has more than {MAX_NODES} parts"),
        ("min(" + ",".join("1" * (MAX_NODES + 1)) + ")", "min() takes at least 2 arguments at position 0"),
        ("abs(" * 190 + "1" + ")" * 190, f"Expression is nested more than {MAX_DEPTH} deep"),
    ],
)
def test_an_expression_has_limits(expression: str, message: str | None) -> None:
    if message is None:
        assert computed(expression) == 1
    else:
        assert failure(expression) == message


def test_powers_cost_nothing() -> None:
    assert computed("9 ** 9 ** 9 ** 9") is None
    assert computed("10 ** 308") == 1e308


def test_text_does_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "MAX_TEXT", 1000)
    grow = ("computedColumn", {"column_name": "t", "expression": "t + t"})
    assert over_run([{"t": "x" * 125}], *[grow] * 3).status == "completed"
    done = over_run([{"t": "x" * 125}], *[grow] * 4)
    assert done.error == "Step 5 (node 5): Text at position 0 could be larger than 0 MiB"
    assert "could be larger" in failure("concat(t, text(x), '" + "y" * 900 + "')", {"t": "x" * 100, "x": 1})
    assert "could be larger" in failure("'" + "é" * 501 + "'")


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
@settings(max_examples=effort(200, 1000), deadline=None)
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        assert str(error)
        assert error.position is None or 0 <= error.position <= len(text)


@given(st.lists(PIECES, min_size=1, max_size=14).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_what_can_be_read_is_computed_or_refused(text: str) -> None:
    rows: list[dict[str, Any]] = [{"x": 1, "t": "a"}, {"x": None, "t": None}]
    done = over_run(rows, ("computedColumn", {"column_name": "it", "expression": text}))
    assert (done.status, done.error is None) in (("completed", True), ("failed", False))


@pytest.mark.parametrize("text", ["\ud800", "'\ud800'", "\0", "'\0'", "\x0c1", "1\u00a0+ 1", "x\u0301", "'a\u2028b'"])
def test_odd_characters(text: str) -> None:
    done = over_run([{"x": 1}], ("computedColumn", {"column_name": "it", "expression": text}))
    assert done.status in ("completed", "failed")
