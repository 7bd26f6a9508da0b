"""Reading an expression: its tokens, its grammar, and how large it may be."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from mock_server.pipelines.errors import ExpressionError
from mock_server.pipelines.expressions.signatures import SIGNATURES

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_NODES = 250
_LARGEST = 2**63

_TOKEN = re.compile(
    r"""
    (?P<space> [ \t\r\n]+ )
    | (?P<number> (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? (?! [\w.] ) )
    | (?P<name> [^\W\d]\w* )
    | (?P<text> '(?: [^'\\\r\n] | \\['"\\nt] )*' | "(?: [^"\\\r\n] | \\['"\\nt] )*" )
    | (?P<hint> && | \|\| | <> | (?<![=!<>])=(?!=) | !(?!=) | \? )
    | (?P<operator> // | \*\* | == | != | <= | >= | [-+*/%<>(),] )
    """,
    re.VERBOSE,
)
_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_HINTS = {
    "&&": "use 'and' in place of '&&'",
    "||": "use 'or' in place of '||'",
    "<>": "use '!=' in place of '<>'",
    "=": "use '==' to compare",
    "!": "use 'not' in place of '!'",
    "?": "use 'a if condition else b' or if(condition, a, b) in place of '?'",
}
CONSTANTS = {"true": True, "false": False, "null": None}
_IF = "If"  # what "if" is to the parser where it is a function: no keyword, and as long


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been read; ``source`` is what was parsed, ``leading`` the blanks before it."""

    source: str
    leading: int
    root: ast.expr

    def position(self, node: ast.expr) -> int:
        """Return where a part begins, in characters of the text."""
        return self.leading + len(self.source.encode()[: node.col_offset].decode())

    def name(self, node: ast.Name) -> str:
        """Return a name as it was written; the parser normalizes it."""
        return self.source.encode()[node.col_offset : node.end_col_offset].decode()

    def function(self, node: ast.Call) -> str:
        """Return the name of the function that is called."""
        name = self.name(node.func) if isinstance(node.func, ast.Name) else ""
        return "if" if name == _IF else name


@lru_cache(maxsize=256)
def parse(text: str) -> Expression:
    """Read an expression, or raise an ``ExpressionError`` that says what is wrong and where."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"Expression is longer than {MAX_LENGTH} characters")
    prepared = _prepared(text)
    source = prepared.strip()
    leading = len(prepared) - len(prepared.lstrip())
    if not source:
        raise ExpressionError("Expression is empty")
    try:
        root = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError("Syntax error", leading + (error.offset or len(source) + 1) - 1) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError("Expression is nested too deeply or has too long a number") from error
    expression = Expression(source, leading, root)
    _check(expression)
    return expression


def _prepared(text: str) -> str:
    """Return the text with plain blanks and without the keyword in ``if(...)``, every character in its place."""
    pieces: list[str] = []
    position, ended = 0, False  # whether an operand has just ended, so that "if" is no function
    prefixed = False  # whether a name has just ended, which text right behind it would be read with
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or (prefixed and match.lastgroup == "text"):
            raise ExpressionError(f"Unexpected {text[position]!r}", position)
        piece = match[0]
        if match.lastgroup == "hint":
            raise ExpressionError(_HINTS[piece], position)
        if match.lastgroup == "space":
            pieces.append(" " * len(piece))
        else:
            pieces.append(_IF if piece == "if" and not ended else piece)
            ended = piece == ")" or (match.lastgroup != "operator" and piece not in _WORDS)
        prefixed = match.lastgroup == "name"
        position = match.end()
    return "".join(pieces)


def _check(expression: Expression) -> None:
    """Walk the tree without recursion and refuse what the language does not have."""
    waiting: list[tuple[ast.expr, int]] = [(expression.root, 1)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise ExpressionError(f"Expression is nested more than {MAX_DEPTH} deep")
        if count > MAX_NODES:
            raise ExpressionError(f"Expression has more than {MAX_NODES} parts")
        waiting += [(child, depth + 1) for child in _operands(expression, node)]


def _operands(expression: Expression, node: ast.expr) -> list[ast.expr]:
    """Return what a part is made of, if the language has such a part."""
    position = expression.position(node)
    match node:
        case ast.Name():
            return []
        case ast.Constant(value=bool() | str() | float() | None):
            return []
        case ast.Constant(value=int(value)):
            if abs(value) >= _LARGEST:
                raise ExpressionError("Number is too large", position)
            return []
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Mod() | ast.Pow()):
            return [node.left, node.right]
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() | ast.Not()):
            return [node.operand]
        case ast.BoolOp():
            return node.values
        case ast.IfExp():
            return [node.test, node.body, node.orelse]
        case ast.Compare():
            return [node.left, *_compared(expression, node)]
        case ast.Call():
            return _arguments(expression, node)
        case _:
            raise ExpressionError(f"{type(node).__name__} is not allowed", position)


def _compared(expression: Expression, node: ast.Compare) -> list[ast.expr]:
    found: list[ast.expr] = []
    for operator, value in zip(node.ops, node.comparators, strict=True):
        position = expression.position(value)
        if isinstance(operator, ast.In | ast.NotIn):
            if not isinstance(value, ast.Tuple) or not value.elts:
                raise ExpressionError("'in' needs a list like (1, 2); for parts of text there is contains()", position)
            found += value.elts
        elif isinstance(operator, ast.Is | ast.IsNot):
            if not is_null(expression, value):
                raise ExpressionError("'is' needs null", position)
        elif is_null(expression, value) or is_null(expression, node.left):
            raise ExpressionError("Nothing equals null; use 'is null' or 'is not null'", position)
        else:
            found.append(value)
    return found


def is_null(expression: Expression, node: ast.expr) -> bool:
    """Tell whether a part is the word for nothing."""
    if isinstance(node, ast.Name):
        return expression.name(node) == "null"
    return isinstance(node, ast.Constant) and node.value is None


def _arguments(expression: Expression, node: ast.Call) -> list[ast.expr]:
    name, position = expression.function(node), expression.position(node)
    if name not in SIGNATURES:
        raise ExpressionError(f"Unknown function: {name}" if name else "Only functions can be called", position)
    least, most = SIGNATURES[name]
    if node.keywords or not least <= len(node.args) <= most:
        wanted = f"{least}" if least == most else f"at least {least}" if most >= MAX_NODES else f"{least} to {most}"
        raise ExpressionError(f"{name}() takes {wanted} arguments", position)
    return node.args
