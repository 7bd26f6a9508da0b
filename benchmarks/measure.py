"""Runs the legs of a row, each in a process of its own, round by round on a core of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.processes import Cost, Missing, Subject, cpu_of_children, finish, pinned, run, start
from benchmarks.rows import Call, Leg, Move, Row, Shell, Spawn
from benchmarks.transfers.ground import Ground, prepared
from benchmarks.transfers.subjects import Command, Mover

Samples = dict[str, list[Cost]]
REPEATS = 2
ALWAYS = ("bare", "curl", "boto3")


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the servers listen: one answers at once, one after a delay, and one moves files of ``ground``."""

    fast: str
    slow: str
    ground: Ground | None = None


class Worker:
    """A client in a process that lives for all rounds of a row."""

    def __init__(self, leg: Call, origins: Origins, scale: float) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", leg.peer, origins.fast, origins.slow]
        self._process = start(command)
        # Fewer calls than twice the requests in flight would measure little but the start.
        least = 2 * max(leg.arguments, default=1)
        count = [] if leg.count is None else [max(least, round(leg.count * scale))]
        self._request = json.dumps([leg.call, *count, *leg.arguments])
        if missing := self._answer().get("missing"):
            self.close()
            raise Missing(missing)

    def sample(self) -> Cost:
        assert self._process.stdin is not None
        print(self._request, file=self._process.stdin, flush=True)
        return {name: float(value) for name, value in self._answer().items()}

    def close(self) -> None:
        finish(self._process)

    def _answer(self) -> dict[str, str]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a client under measure has failed; its own error is above")
        answer: dict[str, str] = json.loads(line)
        return answer


class OneShot:
    """Code that fresh interpreters run; its cost is the CPU of the whole process, the least of a few."""

    def __init__(self, leg: Spawn, origins: Origins, scale: float) -> None:
        self._repeats = max(1, round(REPEATS * scale))
        self._command = [sys.executable, "-c", leg.code.format(fast=origins.fast)]

    def sample(self) -> Cost:
        return {"cpu": min(self._run() for _ in range(self._repeats))}

    def _run(self) -> float:
        before = cpu_of_children()
        run(self._command)
        return cpu_of_children() - before

    def close(self) -> None:
        """Nothing is left running."""


def measure(row: Row, peers: Sequence[str], rounds: int, scale: float, origins: Origins) -> Samples:
    """Return the cost of each leg in each round; a leg whose client is missing is left out."""
    subjects: dict[str, Subject] = {}
    with ExitStack() as stack:
        for leg in row.legs:
            if leg.peer not in (*peers, *ALWAYS):
                continue
            try:
                subject = make(leg, origins, scale)
                stack.callback(subject.close)
                # The first run connects, fills caches and writes byte code: it does not count.
                subject.sample()
            except Missing as missing:
                print(f"  {leg.leg} left out: {missing}", file=sys.stderr)
            else:
                subjects[leg.leg] = subject
        samples: Samples = {name: [] for name in subjects}
        for number in range(min(rounds, row.most)):
            order = list(subjects)
            # Turning the order round keeps a drift of the machine from favouring anyone.
            for name in order if number % 2 == 0 else reversed(order):
                samples[name].append(subjects[name].sample())
    return samples


def make(leg: Leg, origins: Origins, scale: float) -> Subject:
    """Make a leg ready."""
    if isinstance(leg, Call):
        return Worker(leg, origins, scale)
    if isinstance(leg, Spawn):
        return OneShot(leg, origins, scale)
    assert origins.ground is not None, "a row with transfers was chosen without files to move"
    return Mover(leg, origins.ground) if isinstance(leg, Move) else Command(leg, origins.ground)


@contextmanager
def serving(rows: Sequence[Row], scale: float) -> Generator[Origins]:
    """Run the servers on one core and keep this process and its children on another, where there are two."""
    moves = any(isinstance(leg, Move | Shell) for row in rows for leg in row.legs)
    server = start([sys.executable, "-m", "benchmarks.server"])
    try:
        assert server.stdout is not None
        fast, slow = (f"http://127.0.0.1:{port}" for port in json.loads(server.stdout.readline()))
        with ExitStack() as stack:
            ground = stack.enter_context(prepared(scale)) if moves else None
            stack.enter_context(pinned(server.pid, *([ground.server] if ground else [])))
            yield Origins(fast, slow, ground)
    finally:
        finish(server)
