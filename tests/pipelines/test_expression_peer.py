"""The expression language beside simpleeval, where both have the same words."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import assume, given, settings, strategies as st
from simpleeval import EvalWithCompoundTypes, InvalidExpression

from tests.pipelines.graphs import computed
from tests.support.effort import effort

NAMES: dict[str, Any] = {"a": 7, "b": -3, "c": 0, "f": 2.5, "g": -0.125, "s": "Text", "e": "", "yes": True, "no": False}
FUNCTIONS = {
    "abs": abs,
    "min": min,
    "max": max,
    "lower": str.lower,
    "upper": str.upper,
    "length": len,
    "floor": math.floor,
    "ceil": math.ceil,
    "contains": lambda whole, part: part in whole,
    "starts_with": str.startswith,
    "coalesce": lambda first, *_: first,
}
NULL = object()  # what simpleeval has no value for and we have null


def joined(parts: st.SearchStrategy[str], *operators: str) -> st.SearchStrategy[str]:
    return st.builds("({} {} {})".format, parts, st.sampled_from(operators), parts)


def called(parts: st.SearchStrategy[str], arity: int, *names: str) -> st.SearchStrategy[str]:
    arguments = st.lists(parts, min_size=arity, max_size=arity).map(", ".join)
    return st.builds("{}({})".format, st.sampled_from(names), arguments)


NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "c", "f", "g"]) | st.integers(0, 50).map(str) | st.sampled_from(["0.5", "1e3", ".25"]),
    lambda parts: st.one_of(
        joined(parts, "+", "-", "*", "/"),
        joined(st.sampled_from(["a", "b", "c", "4", "-9"]), "%", "//"),
        called(parts, 1, "abs", "floor", "ceil"),
        called(parts, 2, "min", "max", "coalesce"),
        st.builds("(-{})".format, parts),
        st.builds("({} if {} < {} else {})".format, parts, parts, parts, parts),
        st.builds("length({})".format, st.sampled_from(["s", "e", "'lit'"])),
    ),
    max_leaves=8,
)
TEXTS = st.recursive(
    st.sampled_from(["s", "e", "'x'", '"Y z"']),
    lambda parts: joined(parts, "+") | called(parts, 1, "lower", "upper") | called(parts, 2, "min", "max"),
    max_leaves=5,
)
BOOLEANS = st.recursive(
    st.one_of(
        st.sampled_from(["yes", "no"]),
        joined(NUMBERS, "<", "<=", ">", ">=", "==", "!="),
        joined(TEXTS, "==", "!=", "<", ">="),
        called(TEXTS, 2, "contains", "starts_with"),
        st.builds("({} < {} <= {})".format, NUMBERS, NUMBERS, NUMBERS),
        st.builds("({} in (1, 7, {}))".format, NUMBERS, NUMBERS),
    ),
    lambda parts: joined(parts, "and", "or") | st.builds("(not {})".format, parts),
    max_leaves=5,
)


def theirs(expression: str) -> Any:
    peer = EvalWithCompoundTypes(functions=FUNCTIONS, names=NAMES)
    try:
        return peer.eval(expression)
    except ZeroDivisionError:
        return NULL
    except InvalidExpression as error:
        raise AssertionError(expression) from error


@given(NUMBERS)
@settings(max_examples=effort(100, 500), deadline=None)
def test_numbers(expression: str) -> None:
    expected = theirs(expression)
    assume(expected is not NULL)  # a branch that is not taken may divide by zero here; see below for those that are
    found = computed(expression, NAMES)
    assert math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12), expression


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_texts(expression: str) -> None:
    assert computed(expression, NAMES) == theirs(expression)


@given(BOOLEANS)
@settings(max_examples=effort(80, 400), deadline=None)
def test_booleans(expression: str) -> None:
    expected = theirs(expression)
    assume(expected is not NULL)
    assert computed(expression, NAMES) is expected, expression


@given(NUMBERS)
@settings(max_examples=40, deadline=None)
def test_what_they_cannot_divide_is_null_or_not_needed(expression: str) -> None:
    assume(theirs(expression) is not NULL)
    assert computed(f"({expression}) / c", NAMES) is None
    assert computed(f"if(yes, {expression}, 1 / c)", NAMES) is not None
