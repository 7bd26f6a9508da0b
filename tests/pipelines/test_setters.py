"""What each setter does to rows, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.pipelines import table
from mock_server.pipelines.operators import combining
from tests.pipelines.graphs import both, over, over_run, rows_of

ROWS = [
    {"id": 1, "n": 5, "f": 1.5, "t": "apple", "yes": True},
    {"id": 2, "n": None, "f": None, "t": None, "yes": None},
    {"id": 3, "n": -2, "f": 2.0, "t": "Apricot", "yes": False},
    {"id": 4, "n": 5, "f": 1.5, "t": "pear", "yes": True},
]


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def wrong(*setters: tuple[str, dict[str, Any]], rows: list[dict[str, Any]] | None = None) -> str:
    """Return why rows do not get through."""
    done = over_run(rows or ROWS, *setters)
    assert (done.status, done.table) == ("failed", None)
    assert done.error is not None
    return done.error.removeprefix("Step 2 (node 2): ")


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("n", "eq", 5, [1, 4]),
        ("n", "eq", 5.0, [1, 4]),
        ("n", "ne", 5, [3]),
        ("n", "gt", 4.5, [1, 4]),
        ("n", "gte", 5, [1, 4]),
        ("n", "lt", 5, [3]),
        ("n", "lte", 10**30, [1, 3, 4]),
        ("f", "lt", 2, [1, 4]),
        ("n", "in", [5, -2.0], [1, 3, 4]),
        ("n", "in", [], []),
        ("n", "not_in", [5], [3]),
        ("f", "in", [2], [3]),
        ("t", "in", ["pear", "x"], [4]),
        ("t", "contains", "ap", [1]),
        ("t", "contains", ".", []),
        ("t", "not_contains", "ap", [3, 4]),
        ("t", "starts_with", "Ap", [3]),
        ("t", "ends_with", "r", [4]),
        ("t", "gt", "b", [4]),
        ("yes", "eq", True, [1, 4]),
        ("yes", "ne", True, [3]),
        ("t", "is_null", None, [2]),
        ("t", "is_not_null", None, [1, 3, 4]),
    ],
)
def test_filter(field: str, operator: str, value: Any, expected: list[int]) -> None:
    assert ids(over(ROWS, ("filter", {"field": field, "operator": operator, "value": value}))) == expected


def test_filter_reads_dates() -> None:
    rows = [{"id": 1, "d": "2024-01-01"}, {"id": 2, "d": "2024-01-02"}, {"id": 3, "d": None}]
    assert ids(over(rows, ("filter", {"field": "d", "operator": "gte", "value": "2024-01-02"}), d="date")) == [2]
    chosen = {"field": "d", "operator": "in", "value": ["2024-01-01", "2030-01-01"]}
    assert ids(over(rows, ("filter", chosen), d="date")) == [1]
    done = over_run(rows, ("filter", {"field": "d", "operator": "lt", "value": "soon"}), d="date")
    assert done.error is not None
    assert "'soon' is no date" in done.error


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"field": "x", "operator": "eq", "value": 1}, "Unknown column: x (there are id, n, f, t, yes)"),
        ({"field": "n", "operator": "eq", "value": "5"}, "Column n has numbers, which '5' does not compare to"),
        ({"field": "n", "operator": "eq", "value": True}, "Column n has numbers, which True does not compare to"),
        ({"field": "t", "operator": "lt", "value": 5}, "Column t has text, which 5 does not compare to"),
        ({"field": "yes", "operator": "in", "value": [0]}, "Column yes has booleans, which 0 does not compare to"),
        ({"field": "n", "operator": "contains", "value": "5"}, "contains needs text, but column n has none"),
        ({"field": "f", "operator": "eq", "value": 10**400}, "The number 10000000000000000000... is too large"),
    ],
)
def test_filter_says_what_does_not_fit(config: dict[str, Any], message: str) -> None:
    assert wrong(("filter", config)) == message


def test_a_long_list_is_no_trouble() -> None:
    assert ids(over(ROWS, ("filter", {"field": "n", "operator": "in", "value": [*range(50_000)]}))) == [1, 4]


def test_aggregation_without_settings_counts_rows() -> None:
    assert over(ROWS, ("aggregation", {})) == [{"count": 4}]
    assert over([], ("aggregation", {}), id="number") == [{"count": 0}]
    assert over(ROWS, ("aggregation", {"group_by": "n"})) == [
        {"n": 5, "count": 2},
        {"n": None, "count": 1},
        {"n": -2, "count": 1},
    ]


@pytest.mark.parametrize(
    ("function", "field", "expected"),
    [
        ("count", None, 4),
        ("count", "n", 3),
        ("count_distinct", "n", 2),
        ("sum", "n", 8),
        ("sum", "f", 5.0),
        ("avg", "n", 8 / 3),
        ("min", "t", "Apricot"),
        ("max", "f", 2.0),
        ("max", "yes", True),
        ("median", "n", 5.0),
        ("first", "t", "apple"),
        ("last", "t", "pear"),
    ],
)
def test_aggregation(function: str, field: str | None, expected: Any) -> None:
    config = {"aggregations": [{"function": function, "field": field, "alias": "it"}]}
    assert over(ROWS, ("aggregation", config)) == [{"it": expected}]


def test_what_is_made_of_nothing_is_null() -> None:
    measures = [{"function": name, "field": "n"} for name in ("sum", "avg", "min", "median", "first")]
    (row,) = over([], ("aggregation", {"aggregations": measures}), n="number")
    assert row == {"sum_n": None, "avg_n": None, "min_n": None, "median_n": None, "first_n": None}


def test_aggregation_says_what_does_not_fit() -> None:
    total = {"function": "sum", "field": "t"}
    assert wrong(("aggregation", {"aggregations": [total]})) == "sum needs numbers, but column t has text"
    assert wrong(("aggregation", {"group_by": ["x"]})).startswith("Unknown column: x")
    twice = {"aggregations": [{"function": "sum", "field": "n", "alias": "f"}], "group_by": ["f"]}
    assert wrong(("aggregation", twice)) == "There would be several columns f; give an alias"
    large = [{"n": 2**62}, {"n": 2**62}]
    assert wrong(("aggregation", {"aggregations": [{"function": "sum", "field": "n"}]}), rows=large) == (
        "The sum of n could become larger than 64 bits"
    )


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"by": "n"}, [3, 1, 4, 2]),
        ({"by": ["n"], "direction": "desc"}, [1, 4, 3, 2]),
        ({"by": [{"field": "n", "direction": "asc"}, "id"], "direction": "desc"}, [3, 4, 1, 2]),
        ({"by": {"field": "t", "direction": "desc"}}, [4, 1, 3, 2]),
    ],
)
def test_sort_puts_nulls_last_and_keeps_the_order_of_equals(config: dict[str, Any], expected: list[int]) -> None:
    assert ids(over(ROWS, ("sort", config))) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"count": 2}, [1, 2]),
        ({"count": 2, "offset": 3}, [4]),
        ({"count": 0}, []),
        ({"count": 10**40, "offset": 1}, [2, 3, 4]),
        ({"count": 1, "offset": 10**40}, []),
    ],
)
def test_limit(config: dict[str, Any], expected: list[int]) -> None:
    assert ids(over(ROWS, ("limit", config))) == expected


def test_rename_changes_names_all_at_once() -> None:
    (row, *_) = over(ROWS, ("select", {"columns": ["id", "n"]}), ("rename", {"columns": {"id": "n", "n": "id"}}))
    assert list(row.items()) == [("n", 1), ("id", 5)]
    assert wrong(("rename", {"columns": {"id": "n"}})) == "There would be several columns n"
    assert wrong(("rename", {"columns": {"x": "y"}})).startswith("Unknown column: x")


def test_select_gives_its_order() -> None:
    assert list(over(ROWS, ("select", {"columns": ["t", "id", "t"]}))[0]) == ["t", "id"]
    assert wrong(("select", {"columns": ["x"]})).startswith("Unknown column: x")


def test_deduplicate() -> None:
    assert ids(over(ROWS, ("deduplicate", {"columns": "n"}))) == [1, 2, 3]
    assert ids(over(ROWS, ("deduplicate", {"columns": ["n"], "keep": "last"}))) == [2, 3, 4]
    assert ids(over([*ROWS, *ROWS], ("deduplicate", {}))) == [1, 2, 3, 4]


LEFT = [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}, {"k": None, "v": "c"}]
RIGHT = [{"k": 2, "v": "B"}, {"k": 2, "v": "BB"}, {"k": 3, "v": "C"}, {"k": None, "v": "N"}]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", [(2, "b", "B"), (2, "b", "BB")]),
        ("left", [(1, "a", None), (2, "b", "B"), (2, "b", "BB"), (None, "c", None)]),
        ("right", [(2, "b", "B"), (2, "b", "BB"), (3, None, "C"), (None, None, "N")]),
        ("full", [(1, "a", None), (2, "b", "B"), (2, "b", "BB"), (None, "c", None), (3, None, "C"), (None, None, "N")]),
    ],
)
def test_join(how: str, expected: list[tuple[Any, ...]]) -> None:
    rows = rows_of(both(LEFT, RIGHT, "join", keys="k", how=how))
    assert [tuple(row.values()) for row in rows] == expected
    assert list(rows[0]) == ["k", "v", "v_right"]


def test_join_can_choose_rows_only() -> None:
    assert rows_of(both(LEFT, RIGHT, "join", keys=["k"], how="semi")) == [LEFT[1]]
    assert rows_of(both(LEFT, RIGHT, "join", keys=["k"], how="anti")) == [LEFT[0], LEFT[2]]


def test_join_takes_whole_numbers_for_others() -> None:
    rows = rows_of(
        both([{"k": 2}], [{"r": 2.0, "v": 1}, {"r": 2.5, "v": 2}], "join", keys=[{"left": "k", "right": "r"}])
    )
    assert rows == [{"k": 2.0, "v": 1}]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"keys": "v"}, "Unknown column: v (there are k, w)"),
        ({"keys": [{"left": "v", "right": "k"}]}, "Keys v (string) and k (number) cannot be equal"),
        ({"keys": [{"left": "k", "right": "k"}, {"left": "k", "right": "w"}]}, "A column can be a key once"),
    ],
)
def test_join_says_what_does_not_fit(config: dict[str, Any], message: str) -> None:
    done = both(LEFT, [{"k": 1, "w": 2}], "join", **config)
    assert done.error == f"Step 3 (node 3): {message}"


def test_join_does_not_hide_a_column_behind_another() -> None:
    done = both([{"k": 1, "v": 1, "v_right": 2}], [{"k": 1, "v": 3}], "join", keys="k")
    assert done.error == "Step 3 (node 3): There would be several columns v_right; use another suffix"


def test_a_join_of_many_to_many_is_refused_before_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "MAX_ROWS", 1_000)
    many = [{"k": 1}] * 40
    assert len(rows_of(both(many[:20], many[:20], "join", keys="k"))) == 400
    done = both(many, many, "join", keys="k")
    assert done.error == "Step 3 (node 3): The join could have more than 1,000 rows"


def test_union() -> None:
    rows = rows_of(both([{"k": 1, "v": "a"}], [{"k": 1.5, "w": True}], "union"))
    assert rows == [{"k": 1.0, "v": "a", "w": None}, {"k": 1.5, "v": None, "w": True}]
    assert rows_of(both([{"k": 1}, {"k": 1}], [{"k": 1}, {"k": 2}], "union", distinct=True)) == [{"k": 1}, {"k": 2}]
    done = both([{"k": 1}], [{"k": "1"}], "union")
    assert done.error == "Step 3 (node 3): Column k is number in one table and string in the other"


def test_computed_column_replaces_one_of_the_same_name() -> None:
    rows = over([{"n": 4, "t": "x"}], ("computedColumn", {"column_name": "n", "expression": "n / 100"}))
    assert [list(row.items()) for row in rows] == [[("n", 0.04), ("t", "x")]]


def test_there_is_a_bound_to_rows() -> None:
    assert table.MAX_ROWS >= 1_000_000
