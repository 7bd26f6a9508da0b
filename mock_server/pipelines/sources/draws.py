"""Values that look random but are a function of a seed, a name and the number of their row.

Rows have numbers of their own: the same row has the same values whatever rows are asked for with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mock_server.pipelines import lazy_polars as pl

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PER_WORD = 12  # letters that 64 bits are good for
_STEP = 0x9E3779B97F4A7C15  # splitmix64
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws for the rows numbered ``numbers`` of one table."""

    seed: int
    table: str
    numbers: pl.Series

    def below(self, name: str, end: int) -> pl.Series:
        """Return whole numbers from 0 up to ``end``, without it."""
        return (self._bits(name) % end).cast(pl.Int64)

    def between(self, name: str, low: int, high: int) -> pl.Series:
        """Return whole numbers, both ends included."""
        return self.below(name, high - low + 1) + low

    def choice(self, name: str, *values: str) -> pl.Series:
        """Return some of ``values``; who wants one more often gives it more than once."""
        return pl.Series(values, dtype=pl.String).gather(self.below(name, len(values)))

    def flags(self, name: str, percent: int) -> pl.Series:
        """Return ``True`` for about ``percent`` of the rows."""
        return self.below(name, 100) < percent

    def tokens(self, name: str, prefix: str, length: int = 14) -> pl.Series:
        """Return identifiers."""
        return tokens(self.seed, f"{self.table}.{name}", self.numbers, prefix, length)

    def sometimes(self, name: str, percent: int, values: pl.Series) -> pl.Series:
        """Return ``values`` in about ``percent`` of the rows and nothing in the others."""
        return values.set(~self.flags(name, percent), None)

    def _bits(self, name: str) -> pl.Series:
        return _mixed(self.numbers, _start(self.seed, f"{self.table}.{name}"))


def tokens(seed: int, name: str, numbers: pl.Series, prefix: str, length: int = 14) -> pl.Series:
    """Return the identifiers of rows of another table, by their numbers."""
    letters = pl.Series(list(_LETTERS), dtype=pl.String)
    bits = numbers
    parts: list[pl.Series] = []
    for place in range(length):
        if place % _PER_WORD == 0:
            bits = _mixed(numbers, _start(seed, f"{name}.{place}"))
        parts.append(letters.gather((bits % len(_LETTERS)).cast(pl.Int64)))
        bits //= len(_LETTERS)
    return pl.select(pl.concat_str([pl.lit(prefix), *(pl.lit(part) for part in parts)])).to_series()


def _start(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")


def _mixed(numbers: pl.Series, start: int) -> pl.Series:
    """Return 64 mixed bits for each number (splitmix64; products wrap around)."""
    bits = (pl.lit(numbers.cast(pl.UInt64)) + _word(1)) * _word(_STEP) + _word(start)
    bits = (bits ^ (bits // _word(1 << 30))) * _word(_FIRST)
    bits = (bits ^ (bits // _word(1 << 27))) * _word(_SECOND)
    return pl.select(bits ^ (bits // _word(1 << 31))).to_series()


def _word(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)
