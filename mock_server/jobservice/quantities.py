"""Amounts as Kubernetes writes them, read exactly: ``500m`` of a core, ``8Gi`` or ``8GB`` of memory."""

from __future__ import annotations

import math
import re
from fractions import Fraction

_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,9})?"
_EXPONENT = r"[eE][+-]?[0-9]{1,2}"
CPU_PATTERN = rf"^{_NUMBER}([numk]|[KMGTPE]i?|{_EXPONENT})?$"
MEMORY_PATTERN = rf"^{_NUMBER}([num]|[kKMGTPE]i?B?|B|{_EXPONENT})?$"

_QUANTITY = re.compile(rf"({_NUMBER})(?:({_EXPONENT})|([numkKMGTPE]?)(i?)B?)")
_SMALL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1}
_LARGE = "KMGTPE"


def amount(text: str) -> Fraction:
    """Return the exact amount that a text of one of the patterns stands for."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, _, exponent, prefix, binary = match.groups()
    if exponent is not None:
        return Fraction(number + exponent)
    power = _SMALL[prefix] if prefix in _SMALL else _LARGE.index(prefix) + 1
    return Fraction(number) * Fraction(1024 if binary else 1000) ** power


def cores(text: str) -> int:
    """Return whole cores, rounded up to at least 1."""
    return max(1, math.ceil(amount(text)))


def size(text: str) -> int:
    """Return bytes, rounded up."""
    return math.ceil(amount(text))
