"""Parts of an expression that have been translated, and what each of them is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.errors import ExpressionError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

TermKind = Literal["text", "integer", "float", "boolean", "date", "datetime", "null"]
NUMBERS: tuple[TermKind, ...] = ("integer", "float")
TIMES: tuple[TermKind, ...] = ("date", "datetime")
MAX_TEXT = 256 * 1024 * 1024
"""How many bytes the values of one column of text may have."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part: ``size`` is how many bytes of text its values have at most, ``literal`` its value if it has only one."""

    expr: pl.Expr
    kind: TermKind
    position: int
    size: int = 0
    literal: Any = None

    def needs(self, what: str, *kinds: TermKind) -> Term:
        """Return this part if it is of one of the kinds, or null."""
        if self.kind not in (*kinds, "null"):
            wanted = " or ".join(dict.fromkeys("number" if kind in NUMBERS else kind for kind in kinds))
            raise ExpressionError(f"{what} needs {wanted}, not {self.word}", self.position)
        return self

    @property
    def word(self) -> str:
        return "number" if self.kind in NUMBERS else self.kind


@dataclass(slots=True)
class Guards:
    """Where whole numbers overflow."""

    frame: pl.DataFrame
    overflows: list[pl.Series] = field(default_factory=list["pl.Series"])

    def add(self, exact: pl.Expr, approximate: pl.Expr) -> pl.Expr:
        """Return ``exact`` and see by the same in floating point which rows overflow."""
        found = self.frame.select(approximate.abs() >= 2.0**63 - 4096).to_series()
        if found.any():
            self.overflows.append(found)
        return exact


def text(expr: pl.Expr, position: int, size: int) -> Term:
    """Return a part that is text, unless there would be too much of it."""
    if size > MAX_TEXT:
        raise TooLargeError(f"Text at position {position} could be larger than {MAX_TEXT // 1024**2} MiB")
    return Term(expr, "text", position, size)


def common(what: str, terms: Sequence[Term]) -> TermKind:
    """Return the kind that all parts can be taken for."""
    kinds: set[TermKind] = {term.kind for term in terms if term.kind != "null"}
    if len(kinds) <= 1:
        return kinds.pop() if kinds else "null"
    if kinds <= set(NUMBERS):
        return "float"
    if kinds <= set(TIMES):
        return "datetime"
    words = sorted({term.word for term in terms if term.kind != "null"})
    raise ExpressionError(f"{what} cannot mix {' and '.join(words)}", terms[0].position)


def cast(term: Term, kind: TermKind) -> pl.Expr:
    """Return a part as what its kind and others have in common."""
    if term.kind == kind:
        return term.expr
    return term.expr.cast(dtype(kind))


def dtype(kind: TermKind) -> Any:
    """Return the column type of a kind."""
    types: dict[TermKind, Any] = {
        "text": pl.String,
        "integer": pl.Int64,
        "float": pl.Float64,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "datetime": pl.Datetime("ms"),
        "null": pl.String,
    }
    return types[kind]


def finite(expr: pl.Expr) -> pl.Expr:
    """Return a float, or null where it is none that can be written."""
    return pl.when(expr.is_finite()).then(expr)
