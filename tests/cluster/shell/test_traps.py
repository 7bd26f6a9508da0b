"""``trap`` in scripts."""

from __future__ import annotations

import pytest

from mock_server.cluster.shell.interpreter import COMMAND_LIMIT
from tests.cluster.world import World, text


@pytest.mark.parametrize(
    ("command", "lines", "status"),
    [
        ("trap 'echo over' EXIT; echo on", ["on", "over"], 0),
        ("trap 'echo over' EXIT; exit 3; echo never", ["over"], 3),
        ("trap 'echo over; exit 4' EXIT; exit 3", ["over"], 4),
        ("trap 'echo $?' 0; false", ["0"], 1),
        ("trap 'echo a' EXIT; trap 'echo b' EXIT", ["b"], 0),
        ("trap 'echo a' EXIT; trap - EXIT", [], 0),
        ("sh -c \"trap 'echo in' EXIT; exit 2\"; echo $?; trap 'echo out' EXIT", ["in", "2", "out"], 0),
        ("trap 'echo out' EXIT; sh -c 'echo in'", ["in", "out"], 0),
        ("trap", ["sh: trap: usage: trap action condition ..."], 1),
        ("trap 'echo x' SIGNAL; echo $?", ["sh: trap: SIGNAL: bad trap", "1"], 0),
        ("trap '' KILL", ["sh: trap: KILL: bad trap"], 1),
        ("trap '' 99", ["sh: trap: 99: bad trap"], 1),
    ],
)
def test_scripts(world: World, command: str, lines: list[str], status: int) -> None:
    job = world.ran(command)
    assert (text(job), job.exit_code) == (lines, status)


def test_a_signal_ends_the_inner_script_and_the_outer_one_cleans_up(world: World) -> None:
    job = world.submit("trap 'echo out' TERM; sh -c 'trap \"echo in\" INT; sleep 100; echo never'; echo $?")
    world.wait(5)
    world.cancel(job)
    assert text(job) == ["out", "143"]
    other = world.submit("sh -c \"trap 'echo in' TERM; sleep 100; echo still\"; echo $?")
    world.wait(5)
    world.cancel(other)
    assert text(other) == ["in", "still", "0"]


def test_too_many_commands_leave_nothing_for_the_end(world: World) -> None:
    job = world.ran("trap 'echo over' EXIT; " + ":;" * COMMAND_LIMIT)
    assert (text(job), job.exit_code) == (["sh: too many commands"], 126)
