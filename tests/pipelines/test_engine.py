"""Running graphs, and what is sent at their ends."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from mock_server.pipelines import engine, terminators
from mock_server.pipelines.graph import Edge, Graph, Node
from mock_server.pipelines.node_type import Source
from mock_server.pipelines.table import Table
from tests.pipelines.graphs import CHARGES, NOW, OUTPUT, chain, graph, over_run, ran, rows_of

ROWS = [{"n": 1, "t": "a,b", "d": "2024-01-02"}, {"n": None, "t": 'say "x"', "d": None}]
TABLE = {"stripe/listCharges": Table.of(ROWS, {"d": "date"})}


def test_nodes_run_behind_those_they_need_whatever_their_order() -> None:
    nodes = (
        Node(30, "termination/dashboardOutput", "terminator", "Out", {}),
        Node(20, "queryoperators/limit", "setter", "Few", {"count": 1}),
        Node(10, "stripe/listCharges", "getter", "In", {}),
    )
    assert len(rows_of(ran(Graph(nodes, (Edge(1, 20, 30), Edge(2, 10, 20)))))) == 1


def test_rows_may_go_several_ways() -> None:
    count = ("queryoperators/aggregation", {})
    union = ("queryoperators/union", {})
    parts = [CHARGES, ("queryoperators/limit", {"count": 3}), count, union, OUTPUT]
    rows = rows_of(ran(graph(parts, (1, 2), (1, 3), (2, 4), (3, 4, "input2"), (4, 5))))
    assert [row["count"] for row in rows] == [None, None, None, 3200]


def test_both_slots_may_have_the_same_source() -> None:
    parts = [("stripe/getBalance", {}), ("queryoperators/join", {"keys": "currency"}), OUTPUT]
    rows = rows_of(ran(graph(parts, (1, 2), (1, 2, "input2"), (2, 3))))
    assert list(rows[0]) == ["currency", "available", "pending", "available_right", "pending_right"]


def test_the_dashboard_is_the_result_wherever_it_stands() -> None:
    export = ("export/file", {})
    parts = [CHARGES, export, ("queryoperators/limit", {"count": 2}), OUTPUT]
    assert len(rows_of(ran(graph(parts, (1, 2), (1, 3), (3, 4))))) == 2
    other = [CHARGES, ("queryoperators/limit", {"count": 2}), export, ("slack/sendMessage", {"channel": "#a"})]
    assert len(rows_of(ran(graph(other, (1, 2), (2, 3), (1, 4))))) == 2


def test_rows_go_on_behind_a_terminator() -> None:
    alert = ("slack/sendMessage", {"channel": "#a"})
    done = ran(chain(CHARGES, alert, ("queryoperators/limit", {"count": 2}), OUTPUT))
    assert len(rows_of(done)) == 2
    assert [one.total_rows for one in done.deliveries] == [3200, 2]


def test_a_setter_may_be_the_end() -> None:
    nodes = (
        Node(1, "stripe/listCharges", "getter", "", {}),
        Node(2, "queryoperators/limit", "terminator", "", {"count": 4}),
    )
    done = ran(Graph(nodes, (Edge(1, 1, 2),)))
    assert len(rows_of(done)) == 4
    assert done.deliveries == ()


def test_what_was_sent_is_kept() -> None:
    parts = [
        CHARGES,
        ("termination/dashboardOutput", {"title": "Today"}),
        ("slack/sendMessage", {"channel": "#sales-alerts", "message": "Look: {{what}}"}),
        ("email/sendEmail", {"to": "user@example.com", "message": "Hello"}),
        ("export/file", {"filename": "rows.csv"}),
        ("export/file", {"format": "json"}),
    ]
    done = ran(graph(parts, *((1, i) for i in range(2, 7))), TABLE, what="two rows")
    dashboard, slack, mail, csv_file, json_file = done.deliveries
    assert (dashboard.node_id, dashboard.to, dashboard.subject) == (2, ("dashboard",), "Today")
    assert (slack.node_type, slack.to, slack.text) == ("slack/sendMessage", ("#sales-alerts",), "Look: two rows")
    assert (mail.to, mail.subject, mail.text) == (("user@example.com",), "2 rows", "Hello")
    assert all(one.total_rows == 2 and list(one.rows) == ROWS for one in done.deliveries)
    assert (csv_file.to, csv_file.media_type) == (("rows.csv",), "text/csv")
    assert list(csv.DictReader(io.StringIO(csv_file.text or ""))) == [
        {"n": "1", "t": "a,b", "d": "2024-01-02"},
        {"n": "", "t": 'say "x"', "d": ""},
    ]
    assert (json_file.to, json_file.media_type) == (("export.json",), "application/json")
    assert json.loads(json_file.text or "") == ROWS


def test_a_delivery_keeps_the_first_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    done = ran(chain(CHARGES, ("slack/sendMessage", {"channel": "#a"})))
    (sent,) = done.deliveries
    assert (sent.total_rows, len(sent.rows), sent.text) == (3200, 100, "3200 rows")
    monkeypatch.setattr(terminators, "MAX_EXPORT", 10)
    assert ran(chain(CHARGES, ("export/file", {}))).error == (
        "Step 2 (node 2): A file has at most 10 rows, not 3,200; put a limit before it"
    )


@pytest.mark.parametrize(
    ("setter", "message"),
    [
        (("filter", {"field": "x", "operator": "is_null"}), "Unknown column: x (there are n, t, d)"),
        (("computedColumn", {"column_name": "y", "expression": "t / 2"}), "/ needs number, not text at position 0"),
        (("computedColumn", {"column_name": "y", "expression": "n / x"}), "Unknown column: x (there are n, t, d) at"),
    ],
)
def test_a_node_that_fails_ends_the_run_and_nothing_is_sent(setter: tuple[str, dict[str, Any]], message: str) -> None:
    parts = [CHARGES, ("slack/sendMessage", {"channel": "#a"}), (f"queryoperators/{setter[0]}", setter[1]), OUTPUT]
    done = ran(graph(parts, (1, 2), (1, 3), (3, 4)), TABLE)
    assert (done.status, done.table, done.deliveries) == ("failed", None, ())
    assert done.error is not None
    assert done.error.startswith(f"Step 3 (node 3): {message}")
    assert over_run(ROWS, setter).status == "failed"


def test_a_node_without_label_is_called_by_its_type() -> None:
    nodes = (
        Node(5, "stripe/listCharges", "getter", "", {"limit": "{{n}}"}),
        Node(6, *OUTPUT[:1], "terminator", "", {}),
    )
    done = ran(Graph(nodes, (Edge(1, 5, 6),)))
    assert done.error == "stripe/listCharges (node 5): Missing parameter: n"


@pytest.mark.parametrize(("value", "count"), [("{{n}}", 3), (" {{ params.n }} ", 3)])
def test_a_parameter_stands_for_a_value(value: str, count: int) -> None:
    assert len(rows_of(ran(chain(CHARGES, ("queryoperators/limit", {"count": value}), OUTPUT), n=count))) == count


def test_parameters_stand_within_text_and_lists() -> None:
    parts = [
        CHARGES,
        ("queryoperators/filter", {"field": "status", "operator": "in", "value": ["{{one}}", "{{two}}"]}),
        ("queryoperators/computedColumn", {"column_name": "x", "expression": "amount * {{rate}}"}),
        OUTPUT,
    ]
    rows = rows_of(ran(chain(*parts), one="failed", two="pending", rate=0.5))
    assert {row["status"] for row in rows} == {"failed", "pending"}
    assert all(row["x"] == row["amount"] / 2 for row in rows)
    assert ran(chain(*parts), one="a", two="b", rate="import").error == (
        "Step 3 (node 3): Invalid config field expression: Syntax error at position 9"
    )
    assert (ran(chain(*parts), one=["a"], two="b", rate=1).error or "").startswith("Step 2 (node 2): Invalid config")


def test_a_parameter_is_not_filled_in_again() -> None:
    alert = ("slack/sendMessage", {"channel": "#a", "message": "{{text}}"})
    (sent,) = ran(chain(CHARGES, alert), text="{{other}}").deliveries
    assert sent.text == "{{other}}"


def test_rows_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_BYTES", 10_000)
    done = ran(chain(CHARGES, OUTPUT))
    assert done.error is not None
    assert done.error.startswith("Step 1 (node 1): more than 5,000,000 rows or")


def test_a_fault_of_ours_stays_an_exception() -> None:
    def broken() -> Table:
        raise ZeroDivisionError

    tables: dict[str, Source] = {"stripe/listCharges": broken}
    with pytest.raises(ZeroDivisionError):
        engine.run(chain(CHARGES, OUTPUT), {}, seed=1, now=NOW, tables=tables)


def test_rows_that_are_needed_no_more_are_let_go() -> None:
    parts = [CHARGES, ("queryoperators/limit", {"count": 2}), ("queryoperators/limit", {"count": 1}), OUTPUT]
    running = engine._Running(chain(*parts), engine.World(7, NOW, {}))
    kept = []
    for node in engine.order(chain(*parts)):
        running.step(node)
        kept.append(sorted(running._outputs))
    assert kept == [[1], [2], [3], [4]]


@pytest.mark.slow
def test_a_million_rows() -> None:
    parts = [
        ("database/query", {"rows": 1_000_000}),
        ("queryoperators/filter", {"field": "quantity", "operator": "gte", "value": 5}),
        ("queryoperators/computedColumn", {"column_name": "cents", "expression": "round(price * 100) * quantity"}),
        (
            "queryoperators/aggregation",
            {"group_by": "category", "aggregations": [{"function": "count"}, {"function": "sum", "field": "cents"}]},
        ),
        OUTPUT,
    ]
    rows = rows_of(ran(chain(*parts)))
    everything = ran(chain(parts[0], OUTPUT)).table
    assert everything is not None
    counts: dict[str, list[float]] = {}
    for start in range(0, 1_000_000, 100_000):
        for row in everything.rows(start, 100_000):
            if row["quantity"] >= 5:
                count = counts.setdefault(row["category"], [0, 0.0])
                count[0] += 1
                count[1] += round(row["price"] * 100) * row["quantity"]
    assert {row["category"]: [row["count"], row["sum_cents"]] for row in rows} == counts
