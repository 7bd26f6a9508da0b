"""What things cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

CURRENCY = "USD"
CENT = Decimal("0.01")
MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a resource costs."""

    resource: str
    unit: str
    each: Decimal


PRICES = (
    Price("cpu_hours", "hour", Decimal("0.04")),
    Price("gpu_hours", "hour", Decimal("1.20")),
    Price("memory_gb_hours", "gb_hour", Decimal("0.005")),
    Price("storage_gb_months", "gb_month", Decimal("0.02")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """So much of a resource, and what it costs."""

    price: Price
    quantity: Decimal
    cost: Decimal

    def __add__(self, other: Line) -> Line:
        return Line(self.price, self.quantity + other.quantity, self.cost + other.cost)


def line(price: Price, amount: float) -> Line:
    """Return the line for an amount: its millionths are counted, and the money is rounded here and nowhere else."""
    quantity = Decimal(amount).quantize(MILLIONTH, ROUND_HALF_EVEN)
    return Line(price, quantity, (quantity * price.each).quantize(CENT, ROUND_HALF_EVEN))
