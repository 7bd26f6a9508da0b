"""The workflow, the keys and the results that the documented examples refer to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mock_server.pipelines.graph import Edge, Graph, Node
from mock_server.world.keys import Seed
from mock_server.world.users import ORGANIZATION
from mock_server.world.workflow_store import Workflow

if TYPE_CHECKING:
    from mock_server.pipelines.table import Table

DAY = 86_400.0
USER = "user_456"
SESSIONS = {"your-session-cookie": USER}

KEYS = (
    Seed("vntg_your_key_here", "Key of the examples", 1),
    Seed("vntg_abc123def456ghi789jkl012mno345", "My Production Key", 12, age=DAY, expires_in=365 * DAY),
)


def workflows(now: float) -> Iterator[Workflow]:
    """Yield the workflows, as old as they would be there."""
    nodes = (
        Node(101, "stripe/listCharges", "getter", "List Charges", {"limit": 100, "status": "succeeded"}),
        Node(
            102,
            "queryoperators/computedColumn",
            "setter",
            "Calculate Revenue",
            {"column_name": "revenue_usd", "expression": "amount / 100"},
        ),
        Node(103, "termination/dashboardOutput", "terminator", "Output to Dashboard", {}),
    )
    edges = (Edge(201, 101, 102), Edge(202, 102, 103))
    yield Workflow(
        42,
        "Daily Sales Report",
        "Pulls Stripe data and generates a summary",
        USER,
        ORGANIZATION,
        now - 44 * DAY,
        now - DAY,
        shared=True,
        graph=Graph(nodes, edges),
    )


def results() -> Iterator[tuple[str, int, Table]]:
    """Yield stored rows, with their ids and the workflows they came of."""
    from mock_server.pipelines.table import Table

    charges: list[dict[str, Any]] = [
        {"charge_id": f"ch_{number:03}", "amount": 500 + 37 * number % 9000, "currency": "usd"}
        for number in range(1, 249)
    ]
    charges[0] |= {"charge_id": "ch_1abc", "amount": 4999}
    charges[1] |= {"charge_id": "ch_2def", "amount": 2500}
    yield "dataRef:wf42_abc123", 42, Table.of(charges)
    revenue = [{**charge, "revenue_usd": charge["amount"] / 100} for charge in charges[:2]]
    yield "dataRef:wf42_1714392000_abc123", 42, Table.of(revenue)
