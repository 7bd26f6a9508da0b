"""Usage and invoices.

Money is a ``Decimal`` made from the shortest text of the received number, which has the digits that were sent as long as
there are no more than 15: so the costs of the lines add up to the cent, which floats do not.  Quantities are measured, so
they are floats.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from vantage_sdk.models.base import Model, Timestamp

Money = Annotated[Decimal, PlainSerializer(float, when_used="json")]


class UsageItem(Model):
    """One line of usage: how much of a resource, in which unit, and its cost in the currency of the whole."""

    resource: str
    quantity: float | None = None
    unit: str | None = None
    cost: Money | None = None


class UsageSummary(Model):
    """What was used in a period and what it costs; ``currency`` is a code of three letters."""

    period_start: Timestamp | None = None
    period_end: Timestamp | None = None
    currency: str | None = None
    total_cost: Money | None = None
    items: list[UsageItem] = Field(default_factory=list[UsageItem])


class Invoice(Model):
    """An invoice over a period.

    ``status`` is ``draft``, ``open``, ``paid`` or ``void``, or a word that is newer than this SDK; ``line_items`` are there
    when a single invoice was asked for.
    """

    id: str
    number: str | None = None
    status: str | None = None
    currency: str | None = None
    amount: Money | None = None
    period_start: Timestamp | None = None
    period_end: Timestamp | None = None
    issued_at: Timestamp | None = None
    due_at: Timestamp | None = None
    line_items: list[UsageItem] | None = None
