"""``run-model``: pretends to load a model and to work through batches or epochs, in a given time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mock_server.cluster.shell.programs import Stdio, Timed

MAX_LINES = 100
"""Of more steps than this, only so many are told about."""

MAX_STEPS = 10**9
MAX_SECONDS = 1e9
LOADING, PREPARING = 5.0, 1.0
"""How many seconds it takes until the model is loaded, and then until the first step; less of short runs."""

_WORDS = {"batches": ("Processing batch", "Processed"), "epochs": ("Training epoch", "Trained")}


class Line(NamedTuple):
    """A line of the log, so many seconds after the one before."""

    pause: float
    text: str


class Run(NamedTuple):
    """What is to be done."""

    model: str
    unit: str = "batches"
    steps: int = 100
    seconds: float = 30.0


def lines(run: Run) -> Iterator[Line]:
    """Yield the log of a run; the pauses add up to its seconds."""
    doing, done = _WORDS[run.unit]
    loading, preparing = min(LOADING, run.seconds / 6), min(PREPARING, run.seconds / 30)
    per_step = (run.seconds - loading - preparing) / run.steps
    stride = math.ceil(run.steps / MAX_LINES)
    yield Line(0.0, f"Loading model {run.model}...")
    yield Line(loading, "Model loaded successfully")
    last = 1
    for step in range(1, run.steps + 1, stride):
        yield Line(preparing if step == 1 else stride * per_step, f"{doing} {step}/{run.steps}...")
        last = step
    yield Line((run.steps - last + 1) * per_step, f"{done} {run.steps} {run.unit}")


def run_model(arguments: list[str], io: Stdio) -> Timed:
    """Run ``[--batches N | --epochs N] [--seconds S] [--] MODEL``."""
    run = _parse(arguments)
    if run is None:
        io.stderr.write("usage: run-model [--batches N | --epochs N] [--seconds S] [--] MODEL\n")
        return 2
    return (yield from _tell(run, io))


def _tell(run: Run, io: Stdio) -> Generator[float, None, int]:
    for line in lines(run):
        if line.pause > 0:
            yield line.pause
        io.stdout.write(line.text + "\n")
    return 0


def _parse(arguments: list[str]) -> Run | None:
    """Return what the arguments ask for, ``None`` if they ask for nothing sensible."""
    options = {"--batches": "100", "--seconds": "30"}
    words = iter(arguments)
    rest: list[str] = []
    for word in words:
        if word == "--" or not word.startswith("--"):
            rest = [*words] if word == "--" else [word, *words]
            break
        options[word] = next(words, "")
    seconds, unit = options.pop("--seconds"), "epochs" if "--epochs" in options else "batches"
    batches = options.pop("--batches")
    steps = options.pop("--epochs", batches)
    if options or len(rest) != 1 or not steps.isdecimal() or len(steps) > 10 or not 1 <= int(steps) <= MAX_STEPS:
        return None
    try:
        span = float(seconds)
    except ValueError:
        return None
    return Run(rest[0], unit, int(steps), span) if 0 <= span <= MAX_SECONDS else None
