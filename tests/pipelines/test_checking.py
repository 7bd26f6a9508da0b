"""What is found in a graph before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.pipelines.checking import problems, warnings
from mock_server.pipelines.graph import Edge, Graph, Node, Problem
from tests.pipelines.graphs import CHARGES, NOW, OUTPUT, chain, graph, ran

FILTER = ("queryoperators/filter", {"field": "amount", "operator": "gt", "value": 1})
JOIN = ("queryoperators/join", {"keys": "customer"})


def test_the_documented_graphs_are_right() -> None:
    charges = ("stripe/listCharges", {"limit": 100, "status": "succeeded"})
    column = ("queryoperators/computedColumn", {"column_name": "revenue_usd", "expression": "amount / 100"})
    alert = ("slack/sendMessage", {"channel": "#sales-alerts"})
    for one in (chain(charges, column, OUTPUT), chain(CHARGES, ("queryoperators/aggregation", {}), OUTPUT)):
        assert (problems(one), warnings(one)) == ([], [])
    assert problems(chain(charges, FILTER, alert)) == []


def test_the_documented_faults_are_found() -> None:
    found = problems(chain(CHARGES, ("queryoperators/computedColumn", {"expression": "amount / 100"})))
    assert found == [
        Problem(2, "Missing required config field: column_name"),
        Problem(None, "No terminator node found in workflow"),
    ]


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("nothing/atAll", {}, "Unknown node type: nothing/atAll"),
        ("queryoperators/filter", {"operator": "eq", "value": 1}, "Missing required config field: field"),
        ("queryoperators/filter", {"field": "a", "operator": "eq"}, "Missing required config field: value"),
        (
            "queryoperators/filter",
            {"field": "a", "operator": "in", "value": 1},
            "Invalid config field value: a list belongs",
        ),
        (
            "queryoperators/filter",
            {"field": "a", "operator": "eq", "value": [1]},
            "Invalid config field value: a list belongs",
        ),
        (
            "queryoperators/filter",
            {"field": "a", "operator": "in", "value": [[1]]},
            "Invalid config field value: values are",
        ),
        (
            "queryoperators/filter",
            {"field": "a", "operator": "eq", "value": {}},
            "Invalid config field value: values are",
        ),
        (
            "queryoperators/filter",
            {"field": "a", "operator": "contains", "value": 1},
            "Invalid config field value: contains",
        ),
        (
            "queryoperators/filter",
            {"field": "a", "operator": "like", "value": 1},
            "Invalid config field operator: Input",
        ),
        ("queryoperators/filter", {**FILTER[1], "more": 1}, "Unknown config field: more"),
        ("queryoperators/filter", {**FILTER[1], "field": "\ud800"}, "Invalid config: text must be valid Unicode"),
        ("queryoperators/computedColumn", {"column_name": "", "expression": "1"}, "Invalid config field column_name"),
        (
            "queryoperators/computedColumn",
            {"column_name": "x", "expression": "1 +"},
            "Invalid config field expression: Syntax error at position 3",
        ),
        ("queryoperators/limit", {"count": -1}, "Invalid config field count"),
        ("queryoperators/sort", {"by": []}, "Invalid config field by"),
        ("queryoperators/sort", {"by": [{"field": "a", "direction": "up"}]}, "Invalid config field by.0.direction"),
        (
            "queryoperators/aggregation",
            {"aggregations": [{"function": "sum"}]},
            "Invalid config field aggregations.0: sum",
        ),
        ("slack/sendMessage", {}, "Missing required config field: channel"),
        ("email/sendEmail", {"to": "nobody"}, "Invalid config field to.0"),
        ("export/file", {"filename": "../x"}, "Invalid config field filename"),
    ],
)
def test_a_node_is_checked(name: str, config: dict[str, Any], message: str) -> None:
    found = [one for one in problems(chain(CHARGES, (name, config), OUTPUT)) if one.node_id == 2]
    assert len(found) == 1, found
    assert found[0].message.startswith(message), found


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"limit": -1}, "Invalid config field limit"),
        ({"limit": "50"}, "Invalid config field limit"),
        ({"limit": True}, "Invalid config field limit"),
        ({"limit": 5_000_001}, "Invalid config field limit"),
        ({"status": 5}, "Invalid config field status"),
        ({"start_date": "soon"}, "Invalid config field start_date: must be a date like 2024-01-15"),
        ({"date_range": "next_year"}, "Invalid config field date_range: must be last_N_days"),
        ({"date_range": "last_99999_days"}, "Invalid config field date_range: must be last_N_days"),
        ({"amount": 5}, "Unknown config field: amount"),
    ],
)
def test_a_getter_is_checked(config: dict[str, Any], message: str) -> None:
    (found,) = problems(chain(("stripe/listCharges", config), OUTPUT))
    assert found.node_id == 1
    assert found.message.startswith(message), found


def test_what_a_parameter_fills_in_counts_as_right() -> None:
    one = chain(
        ("stripe/listCharges", {"limit": "{{count}}", "start_date": "{{from}}"}),
        ("queryoperators/filter", {"field": "amount", "operator": "in", "value": "{{ params.amounts }}"}),
        ("queryoperators/computedColumn", {"column_name": "x", "expression": "amount * {{rate}}"}),
        OUTPUT,
    )
    assert problems(one) == []
    (found,) = problems(chain(("stripe/listCharges", {"limit": -1, "status": "{{status}}"}), OUTPUT))
    assert found.message.startswith("Invalid config field limit")


def test_nesting_has_an_end() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    (found,) = problems(chain(("stripe/listCharges", {"status": deep}), OUTPUT))
    assert "nested too deeply" in found.message


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([(1, 2), (2, 3), (3, 2, "input2")], [Problem(2, "Unknown input: input2")]),
        ([(1, 2), (1, 2), (2, 3)], [Problem(2, "Input input1 has 2 edges; it takes one")]),
        ([(1, 2)], [Problem(3, "Nothing is connected to input1")]),
        ([(1, 2), (2, 3), (2, 9)], [Problem(None, "Edge 3 refers to node 9, which is not in the workflow")]),
        ([(1, 2), (2, 3), (9, 1)], [Problem(None, "Edge 3 refers to node 9, which is not in the workflow")]),
    ],
)
def test_edges_are_checked(links: list[tuple[Any, ...]], expected: list[Problem]) -> None:
    found = problems(graph([CHARGES, FILTER, OUTPUT], *links))  # type: ignore[arg-type]
    assert [one for one in found if "cycle" not in one.message] == expected


def test_an_unknown_output() -> None:
    one = chain(CHARGES, OUTPUT)
    bad = Graph(one.nodes, (Edge(1, 1, 2, "output2"),))
    assert problems(bad) == [Problem(1, "Unknown output: output2")]


def test_a_join_needs_both_sides() -> None:
    assert problems(graph([CHARGES, JOIN, OUTPUT], (1, 2), (2, 3))) == [Problem(2, "Nothing is connected to input2")]


@pytest.mark.parametrize(
    ("links", "names"),
    [
        ([(2, 2), (2, 3)], "Step 2 (node 2)"),
        ([(2, 3), (3, 2)], "Step 2 (node 2), Step 3 (node 3)"),
        ([(2, 3), (3, 4), (4, 2)], "Step 2 (node 2), Step 3 (node 3), Step 4 (node 4)"),
    ],
)
def test_a_cycle_is_found_and_named(links: list[tuple[int, int]], names: str) -> None:
    parts = [CHARGES, FILTER, FILTER, FILTER, OUTPUT]
    found = problems(graph(parts, *links, (4 if (3, 4) in links else 3, 5)))
    assert Problem(2, f"The workflow has a cycle through {names}") in found


def test_ids_roles_and_sizes() -> None:
    node = Node(1, "stripe/listCharges", "getter", "", {})
    output = Node(2, "termination/dashboardOutput", "terminator", "", {})
    edge = Edge(1, 1, 2)
    assert problems(Graph((node, node, output), (edge,))) == [Problem(1, "There are several nodes with this id")]
    assert problems(Graph((Node(1, "stripe/listCharges", "boss", "", {}), output), (edge,))) == [
        Problem(1, "Unknown node role: boss")
    ]
    many = Graph(tuple(Node(i, "stripe/listCharges", "getter", "", {}) for i in range(501)), ())
    assert problems(many) == [Problem(None, "A workflow has at most 500 nodes and 2000 edges")]
    assert problems(Graph((), ())) == [Problem(None, "No terminator node found in workflow")]


def test_what_is_odd_is_a_warning() -> None:
    one = graph([CHARGES, CHARGES, FILTER, OUTPUT], (1, 2), (2, 3), (1, 4))
    assert problems(one) == []
    assert warnings(one) == [
        Problem(2, "The rows of this node reach no terminator"),
        Problem(3, "The rows of this node reach no terminator"),
        Problem(2, "A getter does not use the rows that are connected to it"),
    ]
    mixed = Graph(
        (Node(1, "stripe/listCharges", "setter", "", {}), Node(2, *FILTER[:1], "terminator", "", FILTER[1])),
        (Edge(1, 1, 2),),
    )
    assert problems(mixed) == []
    assert [one.message for one in warnings(mixed)] == [
        "stripe/listCharges is a getter, not a setter",
        "queryoperators/filter is a setter, not a terminator",
    ]


def test_a_graph_with_problems_does_not_run() -> None:
    done = ran(chain(CHARGES))
    assert (done.status, done.error, done.table) == ("failed", "No terminator node found in workflow", None)
    assert NOW
