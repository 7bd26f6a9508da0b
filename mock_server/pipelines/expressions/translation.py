"""Translating an expression into one over the columns of a frame."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, cast as as_type

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.errors import ExpressionError
from mock_server.pipelines.expressions import arithmetic, functions
from mock_server.pipelines.expressions.syntax import CONSTANTS, Expression
from mock_server.pipelines.expressions.terms import TIMES, Guards, Term, TermKind, cast, common, dtype, finite, text
from mock_server.pipelines.operators.columns import check_columns, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMPARISONS: dict[type[ast.cmpop], Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    ast.Eq: lambda left, right: left == right,
    ast.NotEq: lambda left, right: left != right,
    ast.Lt: lambda left, right: left < right,
    ast.LtE: lambda left, right: left <= right,
    ast.Gt: lambda left, right: left > right,
    ast.GtE: lambda left, right: left >= right,
}


def evaluate(expression: Expression, frame: pl.DataFrame, *, now: float) -> pl.Series:
    """Return the value of an expression for every row of a frame."""
    translation = Translation(expression, frame, now)
    term = translation.term(expression.root)
    if any(overflow.any() for overflow in translation.guards.overflows):
        raise ExpressionError("A whole number becomes larger than 64 bits")
    return frame.with_columns(term.expr.cast(dtype(term.kind)).alias("value")).get_column("value")


class Translation:
    """Translates the parts of one expression, from the outside in."""

    def __init__(self, expression: Expression, frame: pl.DataFrame, now: float) -> None:
        self.expression = expression
        self.frame = frame
        self.now = now
        self.guards = Guards(frame)

    def term(self, node: ast.expr) -> Term:
        """Translate one part and what it is made of.

        Each part is computed at once: an operation may need an operand twice, and so would every one within it.
        """
        term = self._term(node)
        if isinstance(node, ast.Constant | ast.Name):
            return term
        expr = finite(term.expr) if term.kind == "float" else term.expr
        values = self.frame.select(expr.cast(dtype(term.kind)).alias("value")).to_series()
        # What is the same for all rows stays one value: a column of it would not fit to no rows.
        return replace(term, expr=pl.lit(values) if values.len() != 1 else pl.lit(values.item(), dtype(term.kind)))

    def _term(self, node: ast.expr) -> Term:
        at = self.expression.position(node)
        match node:
            case ast.Constant():
                return self._literal(node.value, at)
            case ast.Name():
                name = self.expression.name(node)
                return self._literal(CONSTANTS[name], at) if name in CONSTANTS else self.column(name, at)
            case ast.BinOp():
                return arithmetic.binary(node.op, self.term(node.left), self.term(node.right), self.guards, at)
            case ast.UnaryOp():
                return self._unary(node, at)
            case ast.BoolOp():
                return self._joined(node, at)
            case ast.IfExp():
                return self.choice(node.test, node.body, node.orelse, at)
            case ast.Compare():
                return self._compared(node, at)
            case ast.Call():
                return self._called(node, at)
            case _:
                raise AssertionError(f"{node} has passed the syntax")

    def column(self, name: str, at: int) -> Term:
        """Return a column."""
        if name not in self.frame.columns:
            try:
                check_columns(self.frame, [name])
            except Exception as error:
                raise ExpressionError(str(error), at) from error
        column = self.frame.get_column(name)
        if column.dtype == pl.String:
            return Term(pl.col(name), "text", at, int(column.str.len_bytes().sum()))
        return Term(pl.col(name), _kind(column.dtype), at)

    def choice(self, test: ast.expr, body: ast.expr, orelse: ast.expr, at: int) -> Term:
        """Take one of two parts; only the one that is taken can overflow."""
        condition = self.term(test).needs("if", "boolean")
        chosen = condition.expr.cast(pl.Boolean).fill_null(value=False)
        first = self._guarded(body, chosen)
        second = self._guarded(orelse, ~chosen)
        kind = common("if", [first, second])
        expr = pl.when(chosen).then(cast(first, kind)).otherwise(cast(second, kind))
        return Term(expr, kind, at, first.size + second.size)

    def _guarded(self, node: ast.expr, condition: pl.Expr) -> Term:
        outer, self.guards = self.guards, Guards(self.frame)
        try:
            return self.term(node)
        finally:
            within = [self.frame.select(pl.lit(one) & condition).to_series() for one in self.guards.overflows]
            outer.overflows += within
            self.guards = outer

    def _literal(self, value: Any, at: int) -> Term:
        if isinstance(value, str):
            size = len(value.encode()) * max(1, self.frame.height)
            return Term(text(pl.lit(value), at, size).expr, "text", at, size, value)
        if value is None:
            return Term(pl.lit(None, dtype=pl.String), "null", at)
        if isinstance(value, bool):
            return Term(pl.lit(value), "boolean", at, literal=value)
        kind: TermKind = "integer" if isinstance(value, int) else "float"
        return Term(pl.lit(value, dtype=dtype(kind)), kind, at, literal=value)

    def _unary(self, node: ast.UnaryOp, at: int) -> Term:
        term = self.term(node.operand)
        if isinstance(node.op, ast.Not):
            return Term(~cast(term.needs("not", "boolean"), "boolean"), "boolean", at)
        return arithmetic.signed(node.op, term, at)

    def _joined(self, node: ast.BoolOp, at: int) -> Term:
        word = "and" if isinstance(node.op, ast.And) else "or"
        parts = [cast(self.term(part).needs(word, "boolean"), "boolean") for part in node.values]
        return Term(reduce(lambda a, b: a & b if word == "and" else a | b, parts), "boolean", at)

    def _compared(self, node: ast.Compare, at: int) -> Term:
        found: list[pl.Expr] = []
        left = self.term(node.left)
        for operator, value in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.Is | ast.IsNot):
                found.append(left.expr.is_null() if isinstance(operator, ast.Is) else left.expr.is_not_null())
                continue
            if isinstance(operator, ast.In | ast.NotIn):
                options = as_type("ast.Tuple", value).elts
                any_of = reduce(lambda a, b: a | b, [self._pair(ast.Eq, left, self.term(one)) for one in options])
                found.append(any_of if isinstance(operator, ast.In) else ~any_of)
                continue
            right = self.term(value)
            found.append(self._pair(type(operator), left, right))
            left = right
        return Term(reduce(lambda a, b: a & b, found), "boolean", at)

    def _pair(self, operator: type[ast.cmpop], left: Term, right: Term) -> pl.Expr:
        left, right = _as_time(left, right), _as_time(right, left)
        kind = common("A comparison", [left, right])
        return _COMPARISONS[operator](cast(left, kind), cast(right, kind))

    def _called(self, node: ast.Call, at: int) -> Term:
        name = self.expression.function(node)
        if name == "if":
            return self.choice(node.args[0], node.args[1], node.args[2], at)
        terms: Sequence[Term] = [self.term(part) for part in node.args]
        if name == "col":
            if not isinstance(terms[0].literal, str):
                raise ExpressionError("col() needs the name of a column as text", at)
            return self.column(terms[0].literal, at)
        return functions.call(name, terms, functions.Place(at, self.frame.height, self.now))


def _as_time(term: Term, other: Term) -> Term:
    """Take text that is compared to a date for a date."""
    if term.kind != "text" or other.kind not in TIMES or term.literal is None:
        return term
    try:
        value: datetime = moment(term.literal)
    except Exception as error:
        raise ExpressionError(str(error), term.position) from error
    return Term(pl.lit(value, dtype=pl.Datetime("ms")), "datetime", term.position)


def _kind(dtype: pl.DataType) -> TermKind:
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "float"
    if dtype == pl.Boolean:
        return "boolean"
    return "date" if dtype == pl.Date else "datetime"
