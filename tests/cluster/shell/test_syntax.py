"""Parsing of command lines."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from mock_server.cluster.shell.errors import ShellError, ShellSyntaxError
from mock_server.cluster.shell.expansion import expand
from mock_server.cluster.shell.syntax import Command, Redirect, parse


def words(line: str) -> list[list[str]]:
    """Return the words of each command, with all variables empty."""
    return [expand(command.words, {}, 0) for command in parse(line)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("echo a b", [["echo", "a", "b"]]),
        ("", []),
        ("  \n\n ", []),
        ("echo a; echo b", [["echo", "a"], ["echo", "b"]]),
        ("echo a;", [["echo", "a"]]),
        ("echo a\necho b\n", [["echo", "a"], ["echo", "b"]]),
        ("echo a &&\n\necho b", [["echo", "a"], ["echo", "b"]]),
        ("echo a & echo b", [["echo", "a"], ["echo", "b"]]),
        ("true&&false||echo x", [["true"], ["false"], ["echo", "x"]]),
        ("echo 'a;b' \"c&&d\" e\\;f", [["echo", "a;b", "c&&d", "e;f"]]),
        ("echo '>' \"|\" \\<", [["echo", ">", "|", "<"]]),
        ("echo a'b c'd\"e f\"", [["echo", "ab cde f"]]),
        ("echo \"it's\" 'say \"hi\"' \\'x", [["echo", "it's", 'say "hi"', "'x"]]),
        ('echo "a\\"b" "c\\\\d" "e\\nf"', [["echo", 'a"b', "c\\d", "e\\nf"]]),
        ("echo '' \"\"", [["echo", "", ""]]),
        ("echo 'a\nb'", [["echo", "a\nb"]]),
        ("echo a \\\n b", [["echo", "a", "b"]]),
        ("# it's a comment\necho a # so is 'this\necho b#c '#d'", [["echo", "a"], ["echo", "b#c", "#d"]]),
        ("#!/bin/bash\n#SBATCH --nodes=2\ntrue", [["true"]]),
        ("echo a:b,c=d%e@f+g~h/i.j*k?l[m]", [["echo", "a:b,c=d%e@f+g~h/i.j*k?l[m]"]]),
        ("echo é 日本", [["echo", "é", "日本"]]),
        ("a\tb\r\nc", [["a", "b"], ["c"]]),
    ],
)
def test_words(line: str, expected: list[list[str]]) -> None:
    assert words(line) == expected


def test_connectors() -> None:
    assert [command.connector for command in parse("a; b && c || d & e\nf")] == [";", ";", "&&", "||", ";", ";"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("echo a > f", [Redirect(1, "f")]),
        ("echo a>f", [Redirect(1, "f")]),
        ("echo a >> f", [Redirect(1, "f", append=True)]),
        ("> f", [Redirect(1, "f")]),
        ("echo a 1> f 2> g", [Redirect(1, "f"), Redirect(2, "g")]),
        ("echo a 2>> g", [Redirect(2, "g", append=True)]),
        ("echo a 2>&1", [Redirect(2, "&1")]),
        ("echo a >&2", [Redirect(1, "&2")]),
        ("echo a 1>&2", [Redirect(1, "&2")]),
        ("echo a > f 2>&1", [Redirect(1, "f"), Redirect(2, "&1")]),
        ("echo a &> f", [Redirect(1, "f"), Redirect(2, "&1")]),
        ("echo a &>> f", [Redirect(1, "f", append=True), Redirect(2, "&1")]),
        ("echo a >& f", [Redirect(1, "f"), Redirect(2, "&1")]),
    ],
)
def test_redirects(line: str, expected: list[Redirect]) -> None:
    (command,) = parse(line)
    assert list(command.redirects) == expected
    assert list(command.words) == ([] if line == "> f" else ["echo", "a"])


def test_a_digit_is_a_descriptor_only_right_before_the_arrow() -> None:
    assert parse("echo 2 > f") == (Command(";", ("echo", "2"), (Redirect(1, "f"),)),)
    assert parse("echo a2> f") == (Command(";", ("echo", "a2"), (Redirect(1, "f"),)),)
    assert parse("echo;2>f true")[1] == Command(";", ("true",), (Redirect(2, "f"),))


@pytest.mark.parametrize("line", ["a | b", "a < f", "echo $(date)", 'echo "$(date)"', "echo `date`"])
def test_syntax_beyond_this_shell_makes_a_command_opaque(line: str) -> None:
    commands = parse(f"true; {line}; false")
    assert [command.opaque for command in commands] == [False, True, False]


@pytest.mark.parametrize("line", ["for i in 1 2; do echo $i; done", "if true; then false; fi", "(cd x; make)"])
def test_a_compound_command_is_one_program(line: str) -> None:
    (command,) = parse(line)
    assert command.opaque


def test_quoted_syntax_is_text() -> None:
    assert not any(command.opaque for command in parse("echo '$(date)' '`' \\`"))
    assert words("echo '$(date)' '`' \"\\$x\"") == [["echo", "$(date)", "`", "$x"]]


@pytest.mark.parametrize(
    "line", ["'", '"a', "echo >", "echo > ; true", "&& true", "true &&", "; true", "a ;; b", "a &&"]
)
def test_malformed_lines(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        parse(line)


@given(st.text(alphabet=" \t\n\r'\"\\$#;&|<>12(){}`a=", max_size=40) | st.text(max_size=40))
def test_any_text_parses_or_is_refused(line: str) -> None:
    try:
        for command in parse(line):
            expand(command.words, {"a": "b c"}, 1)
    except ShellError as error:
        assert str(error)


@given(st.lists(st.text(alphabet="ab '\"\\$;&|<>#(`\n2é", max_size=8), min_size=1, max_size=4))
def test_quoting_keeps_every_argument(arguments: list[str]) -> None:
    quoted = " ".join("'" + argument.replace("'", "'\\''") + "'" for argument in arguments)
    assert words(f"echo {quoted}") == [["echo", *arguments]]
