"""Amounts of CPU and memory as texts that know their value."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Self

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

LONGEST = 64
EXACT = Context(prec=400)
UNITS = {
    **dict.fromkeys(("", "B"), Decimal(1)),
    **{letter: Decimal(f"1e-{power}") for letter, power in (("n", 9), ("u", 6), ("m", 3))},
    **{letter: Decimal(1000**power) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}B": Decimal(1000**power) for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}i": Decimal(1024**power) for power, letter in enumerate("KMGTPE", 1)},
}
_FORM = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,2})|([A-Za-z]{0,2}))")


class Quantity(str):
    """An amount as Kubernetes writes it: ``"2"``, ``"500m"``, ``"8Gi"``, ``"1.5e3"``, and also ``"8GB"``.

    It is text that stays as it was written.  ``value`` is the exact amount, an ``int``
    where it is whole: cores of a CPU, bytes of memory.  Quantities are
    compared by value, with each other, with numbers, and with texts that are quantities: ``Quantity("1Gi") > "1GB"``.  Their
    hash is that of the value, so in sets and as keys they go with numbers and with each other, not with plain texts.

    Suffixes: ``n u m``, ``k M G T P E`` and ``B KB MB GB TB`` by thousands, ``Ki Mi Gi Ti Pi Ei`` by 1024.  Numbers are taken as
    well.  Raises ``ValueError`` for what is no quantity, ``TypeError`` for other types.
    """

    __slots__ = ("value",)

    value: int | Decimal

    def __new__(cls, amount: str | float | Decimal) -> Self:
        if isinstance(amount, bool) or not isinstance(amount, str | int | float | Decimal):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a quantity is text or a number, not {type(amount).__name__}")
        text = str(amount)
        if (value := _parsed(text)) is None:
            raise ValueError(
                f"{text[:LONGEST]!r} is no quantity: write a number, perhaps with a suffix such as m, Gi or GB"
            )
        quantity = super().__new__(cls, text)
        quantity.value = value
        return quantity

    def __eq__(self, other: object) -> bool:
        amount = _amount(other)
        return NotImplemented if amount is None and not isinstance(other, str) else self.value == amount

    def __ne__(self, other: object) -> bool:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: object) -> bool:
        return NotImplemented if (amount := _comparable(other)) is None else self.value < amount

    def __le__(self, other: object) -> bool:
        return NotImplemented if (amount := _comparable(other)) is None else self.value <= amount

    def __gt__(self, other: object) -> bool:
        return NotImplemented if (amount := _comparable(other)) is None else self.value > amount

    def __ge__(self, other: object) -> bool:
        return NotImplemented if (amount := _comparable(other)) is None else self.value >= amount

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _received, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def _received(value: Any) -> Quantity:
    """Return what a server sent as a quantity; pydantic wants to hear of wrong types as of wrong values."""
    try:
        return Quantity(value)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _parsed(text: str) -> int | Decimal | None:
    match = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if match is None or (match[3] or "") not in UNITS:
        return None
    factor = UNITS[match[3] or ""] if match[2] is None else Decimal(f"1e{match[2]}")
    exact = EXACT.multiply(Decimal(match[1]), factor)
    return int(exact) if exact == exact.to_integral_value(context=EXACT) else exact


def _amount(value: object) -> int | float | Decimal | None:
    """Return the amount of a quantity, a number, or a text that is a quantity, ``None`` for all else."""
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value, str):
        return _parsed(value)
    return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _comparable(value: object) -> int | float | Decimal | None:
    """Return the same; a text that is no quantity raises ``TypeError``, or it would be compared letter by letter."""
    amount = _amount(value)
    if amount is None and isinstance(value, str):
        raise TypeError(f"a quantity cannot be compared with {value[:LONGEST]!r}")
    return amount
