"""Expansion of variables."""

from __future__ import annotations

import pytest

from mock_server.cluster.shell.errors import ArgumentListTooLongError
from mock_server.cluster.shell.expansion import ARGUMENT_LIMIT, expand
from mock_server.cluster.shell.syntax import parse

ENVIRONMENT = {"NAME": "world", "TWO": "a  b", "EMPTY": "", "A1_b": "x", "OPERATOR": "; exit 1", "NESTED": "$NAME"}


def expanded(line: str, status: int = 0) -> list[str]:
    (command,) = parse(line)
    return expand(command.words, ENVIRONMENT, status)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("echo $NAME", ["echo", "world"]),
        ("echo ${NAME}s $NAMEs", ["echo", "worlds"]),
        ("echo hello-$NAME!", ["echo", "hello-world!"]),
        ("echo $TWO", ["echo", "a", "b"]),
        ('echo "$TWO"', ["echo", "a  b"]),
        ('echo "<$TWO>" x$TWO', ["echo", "<a  b>", "xa", "b"]),
        ("echo '$NAME' \\$NAME \"\\$NAME\"", ["echo", "$NAME", "$NAME", "$NAME"]),
        ("echo $EMPTY x", ["echo", "x"]),
        ('echo "$EMPTY" $MISSING x', ["echo", "", "x"]),
        ("echo $A1_b.$NAME", ["echo", "x.world"]),
        ("echo $ $1x ${} $-", ["echo", "$", "$1x", "${}", "$-"]),
        ("echo $OPERATOR", ["echo", ";", "exit", "1"]),
        ("echo $NESTED", ["echo", "$NAME"]),
        ("$NAME", ["world"]),
        ("$EMPTY", []),
    ],
)
def test_variables(line: str, expected: list[str]) -> None:
    assert expanded(line) == expected


def test_the_last_status() -> None:
    assert expanded('echo $? "<$?>"', status=3) == ["echo", "3", "<3>"]


def test_arguments_do_not_grow_without_bound() -> None:
    large = {"X": "x" * ARGUMENT_LIMIT}
    with pytest.raises(ArgumentListTooLongError):
        expand(["$X" * 10_000], large, 0)
    with pytest.raises(ArgumentListTooLongError):
        expand(["$X", "$X"], large, 0)
    with pytest.raises(ArgumentListTooLongError):
        expand(["a"] * ARGUMENT_LIMIT, {}, 0)
