"""Usage and invoices, as the contract proposes them; money adds up to the cent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.support.faces import Face
from tests.support.platform_samples import DETAIL, INVOICE, LINES, USAGE
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import Invoice, UsageItem, UsageSummary

amounts = st.decimals(min_value="-9999999999", max_value="9999999999", places=4)


async def test_usage_is_typed_and_of_a_period(face: Face) -> None:
    with ScriptedServer([Json(200, USAGE), Json(200, {"currency": "USD"})]) as server:
        async with face.client(server.url) as client:
            usage = await client.billing.usage(
                created_after="2024-01-01", created_before=datetime(2024, 2, 1, tzinfo=UTC)
            )
            bare = await client.billing.usage()
    assert server.requests[0].path == "/v1/billing/usage"
    assert server.requests[0].query == {"created_after": "2024-01-01", "created_before": "2024-02-01T00:00:00Z"}
    assert server.requests[1].query == {}
    assert isinstance(usage, UsageSummary)
    assert (usage.currency, usage.total_cost) == ("USD", Decimal("125.5"))
    assert usage.period_end == datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert [(item.resource, item.quantity, item.unit, item.cost) for item in usage.items] == [
        ("gpu_hours", 310.0, "hour", Decimal(100)),
        ("cpu_hours", 1250.5, "hour", Decimal("25.5")),
    ]
    assert sum(item.cost for item in usage.items) == usage.total_cost
    assert (usage.to_dict(), bare.items, bare.total_cost) == (USAGE, [], None)
    assert [item.to_dict() for item in usage.items] == LINES


async def test_an_invoice_has_its_lines(face: Face) -> None:
    with ScriptedServer([Json(200, DETAIL), Json(200, INVOICE)]) as server:
        async with face.client(server.url) as client:
            invoice, bare = await client.billing.invoice("inv_123"), await client.billing.invoice("inv_123")
    assert server.requests[0].path == "/v1/billing/invoices/inv_123"
    assert (invoice.number, invoice.status, invoice.amount, invoice.due_at) == (
        "INV-2024-01",
        "paid",
        Decimal("125.5"),
        None,
    )
    assert isinstance(invoice.line_items[0], UsageItem)
    assert (invoice.to_dict(), invoice.extra) == (DETAIL, {})
    assert (bare.line_items, bare.to_dict()) == (None, INVOICE)


@given(amounts)
def test_money_has_the_digits_that_were_sent(amount: Decimal) -> None:
    sent = f'{{"id": "i", "amount": {amount}}}'
    received = json.loads(sent)
    invoice = Invoice.from_dict(received)
    assert invoice.amount == amount
    assert invoice.to_dict() == received
    assert Invoice.from_dict({"id": "i", "amount": str(amount)}).amount == amount


@given(st.lists(amounts, max_size=20))
def test_the_lines_of_an_invoice_add_up(costs: list[Decimal]) -> None:
    lines = [{"resource": "cpu_hours", "cost": float(cost)} for cost in costs]
    invoice = Invoice.from_dict({"id": "i", "amount": float(sum(costs)), "line_items": lines})
    assert sum((item.cost for item in invoice.line_items or [] if item.cost is not None), Decimal(0)) == invoice.amount


def test_floats_would_not_add_up() -> None:
    costs = [UsageItem.from_dict({"resource": "r", "cost": cost}).cost for cost in (0.1, 0.2)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[0] + costs[1] == Decimal("0.3")
    assert 0.1 + 0.2 != 0.3


def test_an_invoice_made_by_hand_has_numbers_on_the_wire() -> None:
    made = Invoice(id="i", amount=Decimal("12.5"))
    assert made.to_dict() == {"id": "i", "amount": 12.5}
    assert json.dumps(made.to_dict()) == '{"id": "i", "amount": 12.5}'


@pytest.mark.parametrize("odd", ["lots", None, [1], {"value": 1}, float("nan"), True])
def test_an_odd_amount_fails_nothing(odd: Any) -> None:
    invoice = Invoice.from_dict({"id": "i", "amount": odd, "number": "n"})
    assert invoice.number == "n"
    assert repr(invoice.to_dict()["amount"]) == repr(odd)


@pytest.mark.parametrize(
    ("verb", "args", "given", "error", "says"),
    [
        ("invoice", ("",), {}, ValueError, "invoice_id cannot be ''"),
        ("invoice", (7,), {}, TypeError, "invoice_id takes text, not int"),
        ("usage", (), {"created_after": "yesterday"}, ValueError, "created_after takes ISO 8601 text"),
        ("usage", (), {"created_before": datetime(2024, 1, 1)}, ValueError, "created_before needs a time zone"),
        ("usage", (), {"created_before": 1.5}, TypeError, "created_before takes text or a datetime, not float"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    face: Face, verb: str, args: Any, given: Any, error: type[Exception], says: str
) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(error, match=says):
            await getattr(client.billing, verb)(*args, **given)
