"""The functions of the expression language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.errors import ExpressionError
from mock_server.pipelines.expressions.terms import NUMBERS, TIMES, Term, TermKind, cast, common, text
from mock_server.pipelines.table import DATE_FORMAT, DATETIME_FORMAT

MAX_DIGITS = 15
_NUMBER_BYTES = 32
_MAX_DAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function is called: its position, how many rows there are, and when."""

    at: int
    height: int
    now: float


Function = Callable[[str, Sequence[Term], Place], Term]


def call(name: str, terms: Sequence[Term], place: Place) -> Term:
    """Call a function of the language."""
    return _FUNCTIONS[name](name, terms, place)


def _number(change: Callable[[pl.Expr], pl.Expr], *, whole: bool = False) -> Function:
    """Return a function of one number; ``whole`` if whole numbers stay as they are."""

    def function(name: str, terms: Sequence[Term], place: Place) -> Term:
        term = terms[0].needs(f"{name}()", *NUMBERS)
        if term.kind == "integer" and whole:
            return Term(term.expr, "integer", place.at)
        if term.kind == "integer" and name == "abs":
            return Term(term.expr.abs(), "integer", place.at)
        return Term(change(cast(term, "float")), "float", place.at)

    return function


def _rounded(name: str, terms: Sequence[Term], place: Place) -> Term:
    term = terms[0].needs("round()", *NUMBERS)
    digits = terms[1].literal if len(terms) > 1 else 0
    if not isinstance(digits, int) or isinstance(digits, bool) or not 0 <= digits <= MAX_DIGITS:
        raise ExpressionError(f"{name}() needs a number of digits from 0 to {MAX_DIGITS}", terms[-1].position)
    if term.kind == "integer":
        return term
    return Term(cast(term, "float").round(digits, mode="half_away_from_zero"), "float", place.at)


def _extreme(name: str, terms: Sequence[Term], place: Place) -> Term:
    kind = common(f"{name}()", terms)
    parts = [cast(term, kind) for term in terms]
    expr = pl.min_horizontal(parts) if name == "min" else pl.max_horizontal(parts)
    return Term(expr, kind, place.at, sum(term.size for term in terms))


def _texts(change: Callable[[pl.Expr], pl.Expr], growth: int = 1) -> Function:
    def function(name: str, terms: Sequence[Term], place: Place) -> Term:
        term = terms[0].needs(f"{name}()", "text")
        return text(change(cast(term, "text")), place.at, term.size * growth)

    return function


def _length(name: str, terms: Sequence[Term], place: Place) -> Term:
    expr = cast(terms[0].needs(f"{name}()", "text"), "text").str.len_chars()
    return Term(expr.cast(pl.Int64), "integer", place.at)


def _substring(name: str, terms: Sequence[Term], place: Place) -> Term:
    term = terms[0].needs(f"{name}()", "text")
    numbers = [one.literal for one in terms[1:]]
    if any(not isinstance(one, int) or isinstance(one, bool) or one < 0 for one in numbers):
        raise ExpressionError(f"{name}() needs a start, counted from 0, and a length as plain numbers", place.at)
    return text(cast(term, "text").str.slice(*numbers), place.at, term.size)


def _concat(name: str, terms: Sequence[Term], place: Place) -> Term:
    parts = [_text(name, [term], place) for term in terms]
    return text(
        pl.concat_str([part.expr for part in parts], ignore_nulls=True), place.at, sum(part.size for part in parts)
    )


def _text(_name: str, terms: Sequence[Term], place: Place) -> Term:
    term = terms[0]
    if term.kind in ("text", "null"):
        return Term(term.expr, "text", place.at, term.size)
    return text(_written(term), place.at, _NUMBER_BYTES * place.height)


def _written(term: Term) -> pl.Expr:
    if term.kind in TIMES:
        return term.expr.dt.to_string(DATE_FORMAT if term.kind == "date" else DATETIME_FORMAT)
    return term.expr.cast(pl.String)


def _test(test: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Function:
    def function(name: str, terms: Sequence[Term], place: Place) -> Term:
        whole, part = (cast(term.needs(f"{name}()", "text"), "text") for term in terms)
        return Term(test(whole, part), "boolean", place.at)

    return function


def _coalesce(name: str, terms: Sequence[Term], place: Place) -> Term:
    kind = common(f"{name}()", terms)
    expr = pl.coalesce([cast(term, kind) for term in terms])
    return Term(expr, kind, place.at, sum(term.size for term in terms))


def _is_null(_name: str, terms: Sequence[Term], place: Place) -> Term:
    return Term(terms[0].expr.is_null(), "boolean", place.at)


def _to_number(name: str, terms: Sequence[Term], place: Place) -> Term:
    term = terms[0].needs(f"{name}()", *NUMBERS, "text", "boolean")
    if term.kind in NUMBERS:
        return term
    expr = term.expr.str.strip_chars() if term.kind == "text" else term.expr
    return Term(expr.cast(pl.Float64, strict=False), "float", place.at)


def _date(name: str, terms: Sequence[Term], place: Place) -> Term:
    term = terms[0].needs(f"{name}()", "text", *TIMES)
    if term.kind in TIMES:
        return Term(term.expr.cast(pl.Date), "date", place.at)
    return Term(cast(term, "text").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False), "date", place.at)


def _part(part: Callable[[pl.Expr], pl.Expr]) -> Function:
    def function(name: str, terms: Sequence[Term], place: Place) -> Term:
        expr = cast(terms[0].needs(f"{name}()", *TIMES), "datetime")
        return Term(part(expr).cast(pl.Int64), "integer", place.at)

    return function


def _days_between(name: str, terms: Sequence[Term], place: Place) -> Term:
    first, second = (cast(term.needs(f"{name}()", *TIMES), "datetime").cast(pl.Date) for term in terms)
    return Term((second - first).dt.total_days(), "integer", place.at)


def _add_days(name: str, terms: Sequence[Term], place: Place) -> Term:
    term = terms[0].needs(f"{name}()", *TIMES)
    days = cast(terms[1].needs(f"{name}()", "integer"), "integer")
    few = pl.when(days.abs() <= _MAX_DAYS).then(days)
    kind: TermKind = "date" if term.kind == "date" else "datetime"
    return Term(cast(term, kind) + pl.duration(days=few, time_unit="ms"), kind, place.at)


def _now(name: str, _terms: Sequence[Term], place: Place) -> Term:
    moment = datetime.fromtimestamp(place.now, UTC).replace(tzinfo=None)
    if name == "today":
        return Term(pl.lit(moment.date(), dtype=pl.Date), "date", place.at)
    return Term(pl.lit(moment, dtype=pl.Datetime("ms")), "datetime", place.at)


_FUNCTIONS: dict[str, Function] = {
    "abs": _number(lambda expr: expr.abs()),
    "round": _rounded,
    "floor": _number(lambda expr: expr.floor(), whole=True),
    "ceil": _number(lambda expr: expr.ceil(), whole=True),
    "sqrt": _number(lambda expr: expr.sqrt()),
    "min": _extreme,
    "max": _extreme,
    "lower": _texts(lambda expr: expr.str.to_lowercase(), 3),
    "upper": _texts(lambda expr: expr.str.to_uppercase(), 3),
    "trim": _texts(lambda expr: expr.str.strip_chars()),
    "length": _length,
    "substring": _substring,
    "concat": _concat,
    "contains": _test(lambda whole, part: whole.str.contains(part, literal=True)),
    "starts_with": _test(lambda whole, part: whole.str.starts_with(part)),
    "ends_with": _test(lambda whole, part: whole.str.ends_with(part)),
    "coalesce": _coalesce,
    "is_null": _is_null,
    "text": _text,
    "number": _to_number,
    "date": _date,
    "year": _part(lambda expr: expr.dt.year()),
    "month": _part(lambda expr: expr.dt.month()),
    "day": _part(lambda expr: expr.dt.day()),
    "weekday": _part(lambda expr: expr.dt.weekday()),
    "hour": _part(lambda expr: expr.dt.hour()),
    "days_between": _days_between,
    "add_days": _add_days,
    "today": _now,
    "now": _now,
}
