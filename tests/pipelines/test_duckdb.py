"""The engine beside DuckDB: the same pipelines over the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import given, note, settings, strategies as st

from mock_server.pipelines.table import Kind, Table
from tests.pipelines.graphs import CHARGES, OUTPUT, Part, chain, graph, ran, rows_of
from tests.pipelines.sql import LEFT, LITERALS, RIGHT, TYPES, Pipeline
from tests.support.effort import effort

KINDS: dict[str, Kind] = {"int": "number", "float": "number", "text": "string", "bool": "boolean", "date": "date"}
ISSUES: Part = ("jira/listIssues", {})


def records(columns: Mapping[str, str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    values = {name: st.none() | LITERALS[kind] for name, kind in columns.items()}
    return st.lists(st.fixed_dictionaries(values), max_size=8)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def load(duck: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Sequence[Any]) -> None:
    declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    duck.execute(f"CREATE OR REPLACE TABLE {name} ({declared})")
    lists = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in columns.values())
    duck.execute(f"INSERT INTO {name} SELECT {lists}", [[row[one] for row in rows] for one in columns])


def asked(duck: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    names = [column[0] for column in duck.execute(query).description]
    return [dict(zip(names, row, strict=True)) for row in duck.fetchall()]


def comparable(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return rows without their order, with numbers cut where the order of adding up shows."""

    def value(one: Any) -> Any:
        if isinstance(one, int | float) and not isinstance(one, bool):
            return ("number", 0.0 if one == 0 else float(f"{one:.9g}"))
        return (type(one).__name__, one) if isinstance(one, bool | str | None) else ("str", one.isoformat())

    return sorted((tuple((name, value(row[name])) for name in sorted(row)) for row in rows), key=repr)


@st.composite
def pipelines(draw: Any) -> Pipeline:
    pipeline = Pipeline(draw)
    for _ in range(draw(st.integers(1, 5))):
        pipeline.step()
    return pipeline


@given(pipelines(), records(LEFT), records(RIGHT))
@settings(max_examples=effort(60, 400), deadline=None)
def test_a_pipeline_gives_the_rows_of_its_query(
    duck: duckdb.DuckDBPyConnection, pipeline: Pipeline, left: list[dict[str, Any]], right: list[dict[str, Any]]
) -> None:
    load(duck, "l", {name: TYPES[kind] for name, kind in LEFT.items()}, left)
    load(duck, "r", {name: TYPES[kind] for name, kind in RIGHT.items()}, right)
    note(pipeline.query)
    note(repr(pipeline.parts))
    tables = {
        CHARGES[0]: Table.of(left, {name: KINDS[kind] for name, kind in LEFT.items()}),
        ISSUES[0]: Table.of(right, {name: KINDS[kind] for name, kind in RIGHT.items()}),
    }
    parts = [ISSUES, CHARGES, *pipeline.parts, OUTPUT]
    links = [(i, i + 1) for i in range(2, len(parts))]
    done = ran(graph(parts, *links, *((1, 3 + at, "input2") for at in pipeline.pairs)), tables)
    assert comparable(rows_of(done)) == comparable(asked(duck, pipeline.query))
    assert done.table is not None
    assert done.table.schema == {name: KINDS[kind] for name, kind in pipeline.columns.items()}


ORDERS = ("database/query", {"rows": 3000})
TOTAL = "price * quantity * (1 - coalesce(discount, 0) / 100)"


@pytest.mark.parametrize(
    ("setters", "query"),
    [
        (
            [
                ("filter", {"field": "active", "operator": "eq", "value": True}),
                ("computedColumn", {"column_name": "total", "expression": TOTAL}),
                (
                    "aggregation",
                    {
                        "group_by": ["region"],
                        "aggregations": [{"function": "sum", "field": "total"}, {"function": "count"}],
                    },
                ),
            ],
            f"SELECT region, sum({TOTAL}) AS sum_total, count(*) AS count FROM o WHERE active GROUP BY region",
        ),
        (
            [
                ("computedColumn", {"column_name": "m", "expression": "year(order_date) * 100 + month(order_date)"}),
                (
                    "aggregation",
                    {"group_by": ["m", "category"], "aggregations": [{"function": "avg", "field": "price"}]},
                ),
                ("filter", {"field": "avg_price", "operator": "gt", "value": 100}),
            ],
            (
                "SELECT year(order_date) * 100 + month(order_date) AS m, category, avg(price) AS avg_price FROM o "
                "GROUP BY ALL HAVING avg(price) > 100"
            ),
        ),
        (
            [
                ("filter", {"field": "created", "operator": "gte", "value": "2023-06-01T12:00:00Z"}),
                ("sort", {"by": [{"field": "price", "direction": "desc"}, "id"]}),
                ("limit", {"count": 25, "offset": 5}),
                ("select", {"columns": ["id", "price", "region"]}),
            ],
            (
                "SELECT id, price, region FROM o WHERE created >= '2023-06-01 12:00:00' "
                "ORDER BY price DESC, id LIMIT 25 OFFSET 5"
            ),
        ),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_seeded_table_gives_the_same_in_both(
    duck: duckdb.DuckDBPyConnection, seed: int, setters: list[Part], query: str
) -> None:
    table = ran(chain(ORDERS, OUTPUT), seed=seed).table
    assert table is not None
    columns = {"number": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP"}
    load(duck, "o", {name: columns[kind] for name, kind in table.schema.items()}, table.rows())
    done = ran(chain(ORDERS, *((f"queryoperators/{name}", config) for name, config in setters), OUTPUT), seed=seed)
    found, expected = rows_of(done), asked(duck, query)
    assert expected
    assert comparable(found) == comparable(expected)
    assert not any(isinstance(value, float) and not math.isfinite(value) for row in found for value in row.values())
