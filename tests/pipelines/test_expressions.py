"""The expression language."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipelines.graphs import computed, failure, over

ROW = {"a": 7, "b": -2, "f": 2.5, "zero": 0, "t": "Straße", "blank": " x ", "yes": True, "no": False, "none": None}
TIME = {"at": "2024-02-29T22:15:00.000Z", "day": "2024-03-01", "n": 5, "gone": None}
KINDS: dict[str, Any] = {"at": "datetime", "day": "date", "gone": "date"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b * 3", 1),
        ("(a + b) * 3", 15),
        ("-a - -b", -9),
        ("a / 2", 3.5),
        ("a // 2", 3),
        ("b // 4", -1),
        ("b % 4", 2),
        ("a % -4", -1),
        ("2 ** 3 ** 2", 512.0),
        ("-2 ** 2", -4.0),
        ("19564 / 100", 195.64),
        ("(19564 + 0) / (50 * 2)", 195.64),
        ("a / zero", None),
        ("a // zero", None),
        ("a % zero", None),
        ("f / 0", None),
        ("0 / 0", None),
        ("1e308 * 10", None),
        ("(0 - 8) ** 0.5", None),
        ("sqrt(-1)", None),
        ("1.5e2 + .5 + 1.", 151.5),
        ("a == 7.0", True),
        ("a != 7", False),
        ("b < 0 < a", True),
        ("b < a < 0", False),
        ("a in (1, 7)", True),
        ("a not in (1, 7)", False),
        ("t in ('x', 'Straße')", True),
        ("yes and not no", True),
        ("no or yes", True),
        ("a if yes else f", 7.0),
        ("if(no, 1, 2)", 2),
        ("if(a > 5, if(b > 0, 'p', 'n'), 'small')", "n"),
        ("1 if(yes) else 2", 1),
        ("1 + if (yes, 1, 2)", 2),
        ("'a' + \"b\" + t", "abStraße"),
        ("'it\\'s'", "it's"),
        ("true", True),
        ("null", None),
        ("None is None", True),
        ("upper(t)", "STRASSE"),
        ("lower('ÄB')", "äb"),
        ("length(t)", 6),
        ("trim(blank)", "x"),
        ("substring(t, 3)", "aße"),
        ("substring(t, 0, 2)", "St"),
        ("concat('id-', a, '/', f, '/', yes, '/', none)", "id-7/2.5/true/"),
        ("contains(t, 'raß')", True),
        ("starts_with(t, 'st')", False),
        ("ends_with(t, 'e')", True),
        ("abs(b)", 2),
        ("abs(-f)", 2.5),
        ("round(2.5)", 3.0),
        ("round(-2.5)", -3.0),
        ("round(2.345, 1)", 2.3),
        ("round(a, 2)", 7),
        ("floor(-2.5)", -3.0),
        ("ceil(f)", 3.0),
        ("floor(a)", 7),
        ("min(a, f, b)", -2.0),
        ("max(a, 9)", 9),
        ("max('b', 'a', t)", "b"),
        ("min('b', none, 'a')", "a"),
        ("coalesce(null, a)", 7),
        ("coalesce(null, null)", None),
        ("is_null(none)", True),
        ("none is null", True),
        ("a is not null", True),
        ("text(a) + '!'", "7!"),
        ("number(' 2.50 ')", 2.5),
        ("number('two')", None),
        ("number(yes)", 1.0),
        ("number('inf')", None),
        ("col('t')", "Straße"),
        (" \n a\t+\r1 ", 8),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    found = computed(expression, ROW)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("none + 'x'", None),
        ("x + null", None),
        ("none == 'x'", None),
        ("none in ('x', 'y')", None),
        ("none not in ('x', 'y')", None),
        ("false and none == 'x'", False),
        ("true and none == 'x'", None),
        ("true or none == 'x'", True),
        ("false or none == 'x'", None),
        ("not none == 'x'", None),
        ("if(none == 'x', 1, 2)", 2),
        ("length(none)", None),
        ("min(x, null)", 1),
    ],
)
def test_null_is_as_in_sql(expression: str, expected: Any) -> None:
    assert computed(expression, {"none": None, "x": 1}) is expected or computed(expression, {"x": 1, "none": None}) == 1


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("year(at) * 10000 + month(at) * 100 + day(at)", 20240229),
        ("hour(at)", 22),
        ("weekday(day)", 5),
        ("date(at)", "2024-02-29"),
        ("date('2023-12-31')", "2023-12-31"),
        ("date('2023-12-31T23:59:59Z')", "2023-12-31"),
        ("date('never')", None),
        ("date('2023-02-30')", None),
        ("days_between(at, day)", 1),
        ("add_days(day, n)", "2024-03-06"),
        ("add_days(at, -1)", "2024-02-28T22:15:00.000Z"),
        ("add_days(day, 9000000000000)", None),
        ("at < day", True),
        ("at >= '2024-02-29'", True),
        ("day == '2024-03-01'", True),
        ("'2024-03-01T00:00:00+01:00' < day", True),
        ("coalesce(gone, day)", "2024-03-01"),
        ("max(at, day)", "2024-03-01T00:00:00.000Z"),
        ("text(day)", "2024-03-01"),
        ("concat(at)", "2024-02-29T22:15:00.000Z"),
        ("today()", "2024-01-15"),
        ("now()", "2024-01-15T10:35:00.000Z"),
        ("year(gone)", None),
        ("min(gone, day)", "2024-03-01"),
    ],
)
def test_dates(expression: str, expected: Any) -> None:
    assert computed(expression, TIME, **KINDS) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "Expression is empty"),
        ("  ", "Expression is empty"),
        ("1 +", "Syntax error at position 3"),
        ("(1", "Syntax error at position 0"),
        ("  x + + * 2", "Syntax error at position 8"),
        ("'ä' 2", "Syntax error at position 4"),
        ("y + 1", "Unknown column: y (there are x, t) at position 0"),
        ("1 + col('no one')", "Unknown column: no one (there are x, t) at position 4"),
        ("'ä' == nö", "Unknown column: nö (there are x, t) at position 7"),
        ("x && x", "use 'and' in place of '&&' at position 2"),
        ("x = 1", "use '==' to compare at position 2"),
        ("x ? 1 : 2", "use 'a if condition else b' or if(condition, a, b) in place of '?' at position 2"),
        ("!x", "use 'not' in place of '!' at position 0"),
        ("x.real", "Unexpected '.' at position 1"),
        ("x[0]", "Unexpected '[' at position 1"),
        ("{1}", "Unexpected '{' at position 0"),
        ("x; x", "Unexpected ';' at position 1"),
        ("x := 1", "Unexpected ':' at position 2"),
        ("'\\x41'", 'Unexpected "\'" at position 0'),
        ("1_000", "Unexpected '1' at position 0"),
        ("0x1f", "Unexpected '0' at position 0"),
        ("1j", "Unexpected '1' at position 0"),
        ("f'{x}'", 'Unexpected "\'" at position 1'),
        ("b'x'", 'Unexpected "\'" at position 1'),
        ("# x", "Unexpected '#' at position 0"),
        ("lambda: x", "Unexpected ':' at position 6"),
        ("await x", "Await is not allowed at position 0"),
        ("exec('x')", "Unknown function: exec at position 0"),
        ("__import__('os')", "Unknown function: __import__ at position 0"),
        ("lower(t)(t)", "Only functions can be called at position 0"),
        ("round()", "round() takes 1 to 2 arguments at position 0"),
        ("lower(t, t)", "lower() takes 1 arguments at position 0"),
        ("min(x)", "min() takes at least 2 arguments at position 0"),
        ("round(*x)", "Starred is not allowed at position 6"),
        ("(1, 2)", "Tuple is not allowed at position 0"),
        ("x in 5", "'in' needs a list like (1, 2); for parts of text there is contains() at position 5"),
        ("x in ()", "'in' needs a list like (1, 2); for parts of text there is contains() at position 5"),
        ("x is 5", "'is' needs null at position 5"),
        ("x == null", "Nothing equals null; use 'is null' or 'is not null' at position 5"),
        ("x if x", "Syntax error at position 0"),
        ("t * 2", "* needs number, not text at position 0"),
        ("t + 1", "+ with text needs text, not number at position 4"),
        ("-t", "- needs number, not text at position 1"),
        ("x == t", "A comparison cannot mix number and text at position 0"),
        ("x and true", "and needs boolean, not number at position 0"),
        ("not x", "not needs boolean, not number at position 4"),
        ("if(x, 1, 2)", "if needs boolean, not number at position 3"),
        ("if(true, 1, t)", "if cannot mix number and text at position 9"),
        ("lower(x)", "lower() needs text, not number at position 6"),
        ("year(t)", "year() needs date or datetime, not text at position 5"),
        ("round(x, 99)", "round() needs a number of digits from 0 to 15 at position 9"),
        ("round(1.5, x)", "round() needs a number of digits from 0 to 15 at position 11"),
        ("substring(t, -1)", "substring() needs a start, counted from 0, and a length as plain numbers at position 0"),
        ("col(t)", "col() needs the name of a column as text at position 0"),
        ("today() > 'soon'", "'soon' is no date like 2024-01-15 or time like 2024-01-15T10:35:00Z at position 10"),
        ("9223372036854775808", "Number is too large at position 0"),
        ("x + 9223372036854775807", "A whole number becomes larger than 64 bits"),
        ("3037000500 * (x * 3037000500)", "A whole number becomes larger than 64 bits"),
    ],
)
def test_what_is_wrong_is_said(expression: str, message: str) -> None:
    assert failure(expression, {"x": 1, "t": "text"}) == message


def test_only_the_part_that_is_taken_can_overflow() -> None:
    large = "9223372036854775807"
    assert computed(f"if(x > 5, x + {large}, x)", {"x": 1}) == 1
    assert computed(f"x if x < 5 else x * {large}", {"x": 1}) == 1
    assert "64 bits" in failure(f"if(x < 5, x + {large}, x)", {"x": 1})


def test_names_are_those_of_the_columns_whatever_they_mean_to_python() -> None:
    row = {"ﬁeld": 1, "field": 2, "from": 3, "two words": 4, "If": 5}
    assert computed("ﬁeld", row) == 1
    assert computed("col('from') + col(\"two words\") + If", row) == 12


def test_a_literal_alone_is_the_value_of_every_row() -> None:
    assert computed("1 + 1") == 2


@pytest.mark.parametrize(
    "expression", ["0 + 0", "x + (1 + 1)", "if(1 < 2, x, 3 * 3)", "round(1 / 3, 2)", "7 // 0 + 7 % 0"]
)
def test_no_rows_have_no_values(expression: str) -> None:
    assert over([], ("computedColumn", {"column_name": "it", "expression": expression}), x="number") == []


def test_a_quotient_is_rounded_once() -> None:
    rows = over(
        [{"n": n} for n in range(20_000)], ("computedColumn", {"column_name": "it", "expression": "n / (99 + 1)"})
    )
    assert [row["it"] for row in rows] == [n / 100 for n in range(20_000)]
