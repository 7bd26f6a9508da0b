"""Usage and invoices of the platform family."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired

from typing_extensions import TypedDict

from mock_server.platform.lists import Listing, Period
from mock_server.routes import Call, Routes
from mock_server.wire import iso, iso_or_none
from mock_server.world.invoices import Month, total
from mock_server.world.prices import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.world.invoices import Invoice
    from mock_server.world.prices import Line

routes = Routes("billing", prefix="/v1")


class UsageItem(TypedDict):
    """So much of a resource, and what it costs."""

    resource: str
    quantity: float
    unit: str
    cost: float


class UsageSummary(TypedDict):
    """What was used in a period."""

    period_start: str
    period_end: str
    currency: str
    total_cost: float
    items: list[UsageItem]


class InvoiceView(TypedDict):
    """The bill for one month."""

    id: str
    number: str
    status: str
    currency: str
    amount: float
    period_start: str
    period_end: str
    issued_at: str
    due_at: str | None
    line_items: NotRequired[list[UsageItem]]


class InvoicePage(TypedDict):
    """A page of invoices."""

    invoices: list[InvoiceView]
    total: int
    page: int
    per_page: int


@routes.get("/billing/usage")
async def usage(call: Call[Period, None]) -> UsageSummary:
    """Get usage summary."""
    start, end = _bounds(call.query, call.state.time.now())
    lines = call.state.books.usage(start, end)
    return {
        "period_start": iso(start),
        "period_end": iso(end),
        "currency": CURRENCY,
        "total_cost": float(total(lines)),
        "items": _view_lines(lines),
    }


@routes.get("/billing/invoices")
async def invoices_list(call: Call[Listing, None]) -> InvoicePage:
    """Get invoices."""
    found = call.query.select(call.state.books.invoices(), lambda _: True)
    return {
        "invoices": [_view_invoice(invoice) for invoice in call.query.cut(found)],
        "total": len(found),
        "page": call.query.number,
        "per_page": call.query.size,
    }


@routes.get("/billing/invoices/{invoice_id}")
async def invoices_get(call: Call[None, None]) -> InvoiceView:
    """Get invoice."""
    invoice = call.state.books.invoice(call.path["invoice_id"])
    return {**_view_invoice(invoice), "line_items": _view_lines(invoice.lines)}


def _bounds(period: Period, now: float) -> tuple[float, float]:
    """Return the period asked for; without a beginning it is that of the month in which the period ends."""
    end = now if period.end is None else period.end
    start = period.start
    if start is None:
        start = Month.of(min(end, now)).start
    return start, max(start, end)


def _view_invoice(invoice: Invoice) -> InvoiceView:
    return {
        "id": invoice.id,
        "number": invoice.number,
        "status": invoice.status,
        "currency": CURRENCY,
        "amount": float(invoice.amount),
        "period_start": iso(invoice.month.start),
        "period_end": iso(invoice.month.end - 1),
        "issued_at": iso(invoice.issued_at),
        "due_at": iso_or_none(invoice.due_at),
    }


def _view_lines(lines: Sequence[Line]) -> list[UsageItem]:
    return [
        {
            "resource": line.price.resource,
            "quantity": float(line.quantity),
            "unit": line.price.unit,
            "cost": float(line.cost),
        }
        for line in lines
    ]
