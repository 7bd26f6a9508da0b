"""Runs the legs of a row, each in a process of its own, round by round on a core of their own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.rows import Call, Leg, Metric, Row, Spawn

Samples = dict[str, list[float]]
REPEATS = 2


class Missing(Exception):
    """A client cannot be imported here."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the server listens: one origin answers at once, the other after a delay."""

    fast: str
    slow: str


class Subject(Protocol):
    """A leg that is ready to be measured."""

    def sample(self) -> float:
        """Run once and return the cost."""
        ...

    def close(self) -> None:
        """End the process."""
        ...


class Worker:
    """A client in a process that lives for all rounds of a row."""

    def __init__(self, leg: Call, metric: Metric, origins: Origins, scale: float) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", leg.peer, origins.fast, origins.slow]
        self._process = start(command)
        self._metric = metric
        # Fewer calls than twice the requests in flight would measure little but the start.
        least = 2 * max(leg.arguments, default=1)
        count = [] if leg.count is None else [max(least, round(leg.count * scale))]
        self._request = json.dumps([leg.call, *count, *leg.arguments])
        if missing := self._answer().get("missing"):
            self.close()
            raise Missing(missing)

    def sample(self) -> float:
        assert self._process.stdin is not None
        print(self._request, file=self._process.stdin, flush=True)
        return float(self._answer()[self._metric])

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

    def sample(self) -> float:
        return min(self._run() for _ in range(self._repeats))

    def _run(self) -> float:
        before = _children()
        done = subprocess.run(self._command, env=environment(), stderr=subprocess.PIPE, text=True, check=False)
        last = done.stderr.strip().rpartition("\n")[2]
        if done.returncode and last.startswith(("ImportError", "ModuleNotFoundError")):
            raise Missing(last)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return _children() - before

    def close(self) -> None:
        """Nothing is left running."""


def measure(row: Row, peers: Sequence[str], rounds: int, scale: float, origins: Origins) -> Samples:
    """Return the cost of each leg in each round; a leg whose client is missing is left out."""
    subjects: dict[str, Subject] = {}
    with ExitStack() as stack:
        for leg in row.legs:
            if leg.peer not in (*peers, "bare"):
                continue
            try:
                subject = make(leg, row.metric, origins, scale)
                stack.callback(subject.close)
                # The first run connects, fills caches and writes byte code: it does not count.
                subject.sample()
            except Missing as missing:
                print(f"  {leg.leg} left out: {missing}", file=sys.stderr)
            else:
                subjects[leg.leg] = subject
        samples: Samples = {name: [] for name in subjects}
        for number in range(rounds):
            order = list(subjects)
            # Turning the order round keeps a drift of the machine from favouring anyone.
            for name in order if number % 2 == 0 else reversed(order):
                samples[name].append(subjects[name].sample())
    return samples


def make(leg: Leg, metric: Metric, origins: Origins, scale: float) -> Subject:
    """Make a leg ready."""
    return OneShot(leg, origins, scale) if isinstance(leg, Spawn) else Worker(leg, metric, origins, scale)


@contextmanager
def serving() -> Generator[Origins]:
    """Run the server on one core and keep this process and its children on another, where there are two."""
    server = start([sys.executable, "-m", "benchmarks.server"])
    try:
        assert server.stdout is not None
        ports = json.loads(server.stdout.readline())
        with pinned(server.pid):
            yield Origins(*(f"http://127.0.0.1:{port}" for port in ports))
    finally:
        finish(server)


@contextmanager
def pinned(server: int) -> Generator[None]:
    """Give the server a core of its own."""
    if not hasattr(os, "sched_setaffinity") or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        yield
        return
    os.sched_setaffinity(server, {cores[1]})
    os.sched_setaffinity(0, {cores[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def environment() -> dict[str, str]:
    """Return the environment without anything that would send loopback requests elsewhere or skip byte code."""
    dropped = ("http_proxy", "https_proxy", "all_proxy", "pythondontwritebytecode")
    return {name: value for name, value in os.environ.items() if name.lower() not in dropped}


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start a process that reads lines and answers with lines."""
    return subprocess.Popen(command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    """Close stdin, which ends the process, and wait for it."""
    with process:
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
