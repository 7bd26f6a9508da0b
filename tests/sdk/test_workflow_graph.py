"""Building workflows: the documented body comes out, and nothing that cannot run."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.support.envelopes import example
from vantage_sdk import Workflow, WorkflowGraph

CREATE, CURL = example("workflows_create.request"), example("workflows_create.curl.request")
STORED = example("workflows_get.response")["data"]


def pipeline() -> tuple[WorkflowGraph, Any, Any, Any]:
    graph = WorkflowGraph("Daily sales")
    charges = graph.getter("stripe/listCharges", limit=50)
    rich = graph.setter("queryoperators/filter", field="amount", operator="gt", value=10000, after=charges)
    return graph, charges, rich, graph.terminator("termination/dashboardOutput", after=rich)


def test_the_documented_body_comes_out() -> None:
    graph = WorkflowGraph("New Sales Pipeline", description="Automated Stripe charge processing")
    charges = graph.getter("stripe/listCharges", limit=50)
    graph.terminator("termination/dashboardOutput", after=charges)
    assert graph.to_dict() == CREATE


def test_the_documented_pipeline_comes_out_with_the_slots_that_it_leaves_out() -> None:
    graph = WorkflowGraph(CURL["title"], description=CURL["description"])
    charges = graph.getter("stripe/listCharges", label="Get Recent Charges", limit=50, status="succeeded")
    high = graph.setter(
        "queryoperators/filter", label="High Value Only", after=charges, field="amount", operator="gt", value=10000
    )
    graph.terminator("slack/sendMessage", label="Alert Sales Team", after=[high], channel="#sales-alerts")
    slots = {"source_key": "output1", "target_key": "input1"}
    assert graph.to_dict() == {**CURL, "edges": [{**edge, **slots} for edge in CURL["edges"]]}


@pytest.mark.parametrize(
    ("node_type", "label"),
    [
        ("stripe/listCharges", "List Charges"),
        ("queryoperators/computedColumn", "Computed Column"),
        ("a/getURL2", "Get URL 2"),
        ("plain", "Plain"),
        ("a/b_c", "B C"),
        ("a/-", "a/-"),
    ],
)
def test_a_label_is_made_from_the_type(node_type: str, label: str) -> None:
    assert WorkflowGraph("t").getter(node_type).label == label


def test_several_inputs_by_order_or_by_name_and_other_outputs() -> None:
    graph = WorkflowGraph("t")
    a, b = graph.getter("x/a"), graph.getter("x/b")
    graph.setter("queryoperators/join", after=[a, b.output("output2")])
    graph.setter("queryoperators/join", inputs={"left": b, "right": a})
    assert [tuple(edge.values()) for edge in graph.to_dict()["edges"]] == [
        (0, 2, "output1", "input1"),
        (1, 2, "output2", "input2"),
        (1, 3, "output1", "left"),
        (0, 3, "output1", "right"),
    ]


def test_settings_that_are_named_like_parameters_go_into_config() -> None:
    names = {"label": 1, "after": 2, "inputs": 3, "config": 4, "self": 5, "node_type": 6}
    node = WorkflowGraph("t").getter("x/y", config=names, limit=7)
    assert node.config == {**names, "limit": 7}
    assert WorkflowGraph("t").getter("x/y", self=1, node_type=2).config == {"self": 1, "node_type": 2}


def test_later_changes_do_not_reach_a_node() -> None:
    columns = ["a"]
    node = WorkflowGraph("t").getter("x/y", config={"columns": columns}, pair=(1, 2))
    columns.append("b")
    assert node.config == {"columns": ["a"], "pair": [1, 2]}


@pytest.mark.parametrize(
    ("build", "kind", "says"),
    [
        (lambda g, o: g.setter("x/y", after=o), ValueError, "'Other' is a node of another graph"),
        (lambda g, o: g.setter("x/y", after=[g.nodes[0], o.output("o")]), ValueError, "another graph"),
        (lambda g, o: g.setter("x/y", inputs={"input1": o}), ValueError, "another graph"),
        (lambda g, o: g.setter("x/y", after="x"), TypeError, "take nodes of this graph, not str"),
        (lambda g, o: g.setter("x/y", after=[None]), TypeError, "take nodes of this graph, not NoneType"),
        (lambda g, o: g.setter("x/y", after=g.nodes[0], inputs={}), ValueError, "two ways to say the same"),
        (lambda g, o: g.setter("x/y", inputs={"": g.nodes[0]}), ValueError, "name of an input is empty"),
        (lambda g, o: g.setter("x/y", config={"a": 1}, a=2), ValueError, "a is given in config and as a keyword"),
        (lambda g, o: g.setter("x/y", config=[1]), TypeError, "config takes a mapping, not list"),
        (lambda g, o: g.setter("x/y", a=object()), TypeError, "a cannot be sent as JSON"),
        (lambda g, o: g.setter("x/y", a=float("nan")), ValueError, "a cannot be sent as JSON"),
        (lambda g, o: g.setter(7), TypeError, "node_type takes text, not int"),
        (lambda g, o: g.setter(""), ValueError, "node_type is empty"),
        (lambda g, o: g.setter("x/y", label=""), ValueError, "label is empty"),
        (lambda g, o: g.nodes[0].output(""), ValueError, "key is empty"),
        (lambda g, o: g.connect(g.nodes[2], g.nodes[0]), ValueError, "the data would go round in a circle"),
        (lambda g, o: g.connect(g.nodes[1], g.nodes[1], target_key="b"), ValueError, "round in a circle"),
        (lambda g, o: g.connect(g.nodes[0], g.nodes[1]), ValueError, "input1 of 'Filter' reads from another node"),
        (lambda g, o: g.connect(o, g.nodes[0]), ValueError, "another graph"),
        (lambda g, o: g.connect(g.nodes[0], o), ValueError, "another graph"),
        (lambda g, o: WorkflowGraph(7), TypeError, "title takes text"),  # type: ignore[arg-type]
    ],
)
def test_a_mistake_is_refused_and_leaves_the_graph_as_it_was(build: Any, kind: type[Exception], says: str) -> None:
    graph, *_ = pipeline()
    before = graph.to_dict()
    with pytest.raises(kind, match=says):
        build(graph, WorkflowGraph("o").getter("x/other"))
    assert graph.to_dict() == before


@pytest.mark.parametrize(("title", "problem"), [("", "the title has 1 to 255"), ("x" * 256, "the title has 1 to 255")])
def test_a_title_that_the_server_would_refuse_is_a_problem(title: str, problem: str) -> None:
    graph, *_ = pipeline()
    assert graph.problems() == []
    graph.check()
    graph.title = title
    with pytest.raises(ValueError, match=problem):
        graph.check()


def test_a_graph_without_a_terminator_is_a_draft() -> None:
    graph = WorkflowGraph("t")
    graph.getter("x/y")
    with pytest.raises(ValueError, match=r"the workflow 't' cannot run: there is no terminator: add one with termin"):
        graph.check()
    assert graph.to_dict()["nodes"]


def stored(edges: list[tuple[int, int]], **keys: str) -> WorkflowGraph:
    nodes = [
        {"id": n, "node_type": f"x/n{n}", "node_role": "terminator", "label": f"n{n}", "config": {}} for n in range(4)
    ]
    made = [{"id": 9, "source_node_id": a, "target_node_id": b, **keys} for a, b in edges]
    return Workflow.from_dict({"id": 1, "title": "t", "nodes": nodes, "edges": made}).graph


def test_what_is_wrong_with_a_stored_graph_is_named() -> None:
    assert stored([(0, 1), (1, 2)]).problems() == []
    [problem] = stored([(0, 1), (1, 2), (2, 0)], target_key="loop").problems()
    assert problem == "the data goes round in a circle: 'n0' -> 'n1' -> 'n2' -> 'n0'"
    assert stored([(0, 2), (1, 2)]).problems() == ["several edges lead to input1 of 'n2'"]
    assert stored([(0, 8)]).problems() == ["an edge leads from or to a node that is not there: 0 -> 8"]
    assert stored([(3, 3)]).problems() == ["the data goes round in a circle: 'n3' -> 'n3'"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
def test_a_circle_is_found_if_and_only_if_there_is_one(edges: list[tuple[int, int]]) -> None:
    reach = {(a, b) for a, b in edges}
    for _ in range(4):
        reach |= {(a, d) for a, b in reach for c, d in reach if b == c}
    found = [problem for problem in stored(edges).problems() if "circle" in problem]
    assert bool(found) == any(a == b for a, b in reach)


def test_a_stored_graph_can_be_seen_changed_and_sent_back() -> None:
    workflow = Workflow.from_dict(STORED)
    graph = workflow.graph
    assert [node.id for node in graph.nodes] == [101, 102, 103]
    assert [(edge.source.id, edge.target.id) for edge in graph.edges] == [(101, 102), (102, 103)]
    body = graph.to_dict()
    assert (body["title"], body["description"]) == (STORED["title"], STORED["description"])
    assert body["nodes"] == [{name: v for name, v in node.items() if name != "id"} for node in STORED["nodes"]]
    assert [(edge["source_node_index"], edge["target_node_index"]) for edge in body["edges"]] == [(0, 1), (1, 2)]
    mail = graph.terminator("email/send")
    graph.connect(graph.nodes[1].output("output2"), mail, target_key="input1")
    assert graph.to_dict()["edges"][-1] == {
        "source_node_index": 1,
        "target_node_index": 3,
        "source_key": "output2",
        "target_key": "input1",
    }
    assert len(workflow.graph.nodes) == 3


def test_a_graph_can_be_read() -> None:
    graph, _, rich, _ = pipeline()
    graph.terminator("slack/sendMessage", inputs={"input2": rich.output("output3")}, channel="#a")
    assert repr(graph) == "<WorkflowGraph 'Daily sales': 4 nodes, 3 edges>"
    assert str(graph).splitlines() == [
        "Daily sales",
        "  0  getter      List Charges (stripe/listCharges)",
        "  1  setter      Filter (queryoperators/filter)  <- 0",
        "  2  terminator  Dashboard Output (termination/dashboardOutput)  <- 1",
        "  3  terminator  Send Message (slack/sendMessage)  <- 1.output3 as input2",
    ]


def test_a_notebook_shows_a_graph_without_markup_of_others() -> None:
    graph = WorkflowGraph("<i>t</i>")
    graph.getter("x/<b>", label="<script>", config={"<k>": "<v>" * 200})
    shown = graph._repr_html_()
    assert "<caption>&lt;i&gt;t&lt;/i&gt;</caption>" in shown
    for tag in ("<script>", "<b>", "<k>", "<v>", "<i>"):
        assert tag not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize("again", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_a_copy_is_a_graph_of_its_own(again: Any) -> None:
    graph, *_ = pipeline()
    twin = again(graph)
    twin.terminator("x/y", after=twin.nodes[0])
    assert (len(graph.nodes), len(twin.nodes)) == (3, 4)
    with pytest.raises(ValueError, match="another graph"):
        twin.setter("x/z", after=graph.nodes[0])
