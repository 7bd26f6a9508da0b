"""The programs that a job can run."""

from __future__ import annotations

import pytest

from mock_server.cluster.shell.programs import MAX_SLEEP, program_name
from tests.cluster.world import START, World, text


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("seq 3", ["1", "2", "3"]),
        ("seq 2 4", ["2", "3", "4"]),
        ("seq 1 2 6", ["1", "3", "5"]),
        ("seq 3 -1 1", ["3", "2", "1"]),
        ("seq -1 1", ["-1", "0", "1"]),
        ("seq 5 1", []),
        ("seq 0", []),
        ("seq 0 0.5 1", ["0.0", "0.5", "1.0"]),
        ("seq 0.1 0.3", ["0.1"]),
        ("seq", ["seq: expected one to three operands"]),
        ("seq 1 2 3 4", ["seq: expected one to three operands"]),
        ("seq 1 0 3", ["seq: invalid Zero increment value: '0'"]),
        ("seq 1e9", ["seq: invalid floating point argument: '1e9'"]),
        ("seq x", ["seq: invalid floating point argument: 'x'"]),
    ],
)
def test_seq(world: World, command: str, lines: list[str]) -> None:
    job = world.ran(command)
    assert text(job) == lines
    assert job.exit_code == (1 if lines and lines[0].startswith("seq:") else 0)


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("sleep 0", 0),
        ("sleep 10", 10),
        ("sleep .5", 0.5),
        ("sleep 1s", 1),
        ("sleep 2m", 120),
        ("sleep 1h", 3_600),
        ("sleep 1d", 86_400),
        ("sleep 1m 30", 90),
        ("sleep infinity", MAX_SLEEP),
        ("sleep 99999999999999999999d", MAX_SLEEP),
    ],
)
def test_sleep(world: World, command: str, seconds: float) -> None:
    job = world.ran(command)
    assert job.exit_code == 0
    assert job.ended_at == pytest.approx(START + 0.1 + seconds)


@pytest.mark.parametrize("argument", ["", "x", "-1", "1w", "nan", "1e3"])
def test_sleep_refuses_other_intervals(world: World, argument: str) -> None:
    job = world.ran(f"sleep {argument}")
    assert text(job) == [f"sleep: invalid time interval '{argument}'"]
    assert job.exit_code == 1


def test_cat(world: World) -> None:
    job = world.ran("echo a > f; cat f nothing f; echo $?; cat /dev/null; cat; cat ../x")
    assert text(job, "stdout") == ["a", "a", "1"]
    assert text(job, "stderr") == [
        "cat: nothing: No such file or directory",
        "cat: ../x: Permission denied",
    ]


def test_cat_to_nowhere(world: World) -> None:
    assert text(world.ran("echo a > f; cat f > /dev/null && echo ok")) == ["ok"]


def test_long_output_takes_time(world: World) -> None:
    job = world.submit("seq 2500; echo end")
    lengths: list[int] = []
    world.wait(0.15)
    for _ in range(3):
        lengths.append(len(job.log.lines))
        world.wait(0.1)
    assert lengths == [1000, 2000, 2501]


def test_seq_stops_when_nobody_looks(world: World) -> None:
    job = world.ran("seq 1000000000000 > /dev/null; echo end")
    assert text(job) == ["end"]
    assert job.ended_at == job.started_at


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("/bin/sleep", "sleep"),
        ("/usr/bin/seq", "seq"),
        ("sleep", "sleep"),
        ("/opt/bin/sleep", "/opt/bin/sleep"),
        ("/", "/"),
    ],
)
def test_programs_are_found_by_their_path(word: str, name: str) -> None:
    assert program_name(word) == name
