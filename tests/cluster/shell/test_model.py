"""The program that pretends to run a model."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings, strategies as st

from mock_server.cluster.job import JobState
from mock_server.cluster.shell.model import MAX_LINES, Run, lines
from tests.cluster.world import World, text


def test_the_printed_log() -> None:
    written, at = [], 0.0
    for line in lines(Run("resnet50", steps=100, seconds=30)):
        at += line.pause
        written.append((round(at, 6), line.text))
    assert written[:4] == [
        (0.0, "Loading model resnet50..."),
        (5.0, "Model loaded successfully"),
        (6.0, "Processing batch 1/100..."),
        (6.24, "Processing batch 2/100..."),
    ]
    assert written[-2:] == [(29.76, "Processing batch 100/100..."), (30.0, "Processed 100 batches")]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 10**9), st.floats(0, 1e9), st.sampled_from(["batches", "epochs"]))
@example(1, 0.0, "batches")
@example(101, 1.0, "epochs")
def test_a_run_takes_its_time_and_says_little(steps: int, seconds: float, unit: str) -> None:
    found = list(lines(Run("m", unit, steps, seconds)))
    assert sum(line.pause for line in found) == pytest.approx(seconds)
    assert all(line.pause >= 0 for line in found)
    assert 4 <= len(found) <= MAX_LINES + 3


@pytest.mark.parametrize(
    ("command", "written", "seconds"),
    [
        ("run-model --batches 1 m", ["Processing batch 1/1...", "Processed 1 batches"], 30),
        ("run-model --seconds 2 --epochs 1 -- --m", ["Training epoch 1/1...", "Trained 1 epochs"], 2),
        ("run-model --seconds 0 --batches 1 'a b'", ["Processing batch 1/1...", "Processed 1 batches"], 0),
    ],
)
def test_it_runs(world: World, command: str, written: list[str], seconds: float) -> None:
    job = world.ran(command)
    assert text(job)[1:] == ["Model loaded successfully", *written]
    assert job.state is JobState.COMPLETED
    assert job.ended_at is not None
    assert job.started_at is not None
    assert job.ended_at - job.started_at == pytest.approx(seconds)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "a b",
        "--batches 0 m",
        "--batches -1 m",
        "--batches x m",
        "--batches 10000000000 m",
        "--epochs '' m",
        "--seconds x m",
        "--seconds -1 m",
        "--seconds nan m",
        "--seconds inf m",
        "--other 1 m",
        "--seconds",
        "--",
    ],
)
def test_arguments_that_mean_nothing(world: World, arguments: str) -> None:
    job = world.ran(f"run-model {arguments}")
    assert text(job) == ["usage: run-model [--batches N | --epochs N] [--seconds S] [--] MODEL"]
    assert job.exit_code == 2
