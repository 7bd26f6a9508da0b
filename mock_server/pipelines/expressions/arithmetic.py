"""Arithmetic on translated parts: what the operators do to which kinds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.expressions.terms import Guards, Term, TermKind, cast, text

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_EXACT: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
_QUOTIENTS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}


def binary(operator: ast.operator, left: Term, right: Term, guards: Guards, at: int) -> Term:
    """Join two parts by an operator."""
    sign = _SIGNS[type(operator)]
    if sign == "+" and "text" in (left.kind, right.kind):
        left.needs("+ with text", "text")
        right.needs("+ with text", "text")
        return text(cast(left, "text") + cast(right, "text"), at, left.size + right.size)
    left.needs(sign, "integer", "float")
    right.needs(sign, "integer", "float")
    whole = {left.kind, right.kind} <= {"integer", "null"}
    if sign in _EXACT:
        return _exact(sign, left, right, guards, at, whole=whole)
    if sign == "**":
        return Term(cast(left, "float").pow(cast(right, "float")), "float", at)
    kind: TermKind = "integer" if whole and sign != "/" else "float"
    divisor = cast(right, kind)
    if kind == "float":  # by one number for all rows, polars multiplies by its inverse, which rounds twice
        divisor += pl.int_range(pl.len()).cast(pl.Float64) * 0.0
    return Term(_QUOTIENTS[sign](cast(left, kind), divisor), kind, at)


def _exact(sign: str, left: Term, right: Term, guards: Guards, at: int, *, whole: bool) -> Term:
    approximate = _EXACT[sign](cast(left, "float"), cast(right, "float"))
    if not whole:
        return Term(approximate, "float", at)
    return Term(guards.add(_EXACT[sign](cast(left, "integer"), cast(right, "integer")), approximate), "integer", at)


def signed(operator: ast.unaryop, term: Term, at: int) -> Term:
    """Put a sign before a number."""
    sign = "-" if isinstance(operator, ast.USub) else "+"
    term.needs(sign, "integer", "float")
    kind: TermKind = "float" if term.kind == "float" else "integer"
    expr = cast(term, kind)
    literal = None if term.literal is None else -term.literal if sign == "-" else term.literal
    return Term(-expr if sign == "-" else expr, kind, at, literal=literal)
