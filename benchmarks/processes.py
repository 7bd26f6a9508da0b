"""Processes under measure and beside it: started, given a core, ended, and what they cost."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

Cost = Mapping[str, float]
"""What one run cost by metric: ``cpu`` and ``wall`` in seconds, of transfers also ``rate`` and ``memory`` in MiB."""


class Missing(Exception):
    """A client cannot be had here."""


class Subject(Protocol):
    """A leg that is ready to be measured."""

    def sample(self) -> Cost:
        """Run once and return the cost."""
        ...

    def close(self) -> None:
        """End the process."""
        ...


@contextmanager
def pinned(*servers: int) -> Generator[None]:
    """Give the servers a core of their own, where there are two."""
    if not hasattr(os, "sched_setaffinity") or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        yield
        return
    for server in servers:
        os.sched_setaffinity(server, {cores[1]})
    os.sched_setaffinity(0, {cores[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def environment(**more: str) -> dict[str, str]:
    """Return the environment without anything that would send loopback requests elsewhere or skip byte code."""
    dropped = ("http_proxy", "https_proxy", "all_proxy", "pythondontwritebytecode")
    return {name: value for name, value in os.environ.items() if name.lower() not in dropped} | more


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


def run(command: Sequence[str], **more: str) -> str:
    """Run a command to its end and return what it wrote; ``more`` goes into its environment."""
    done = subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=False)
    last = done.stderr.strip().rpartition("\n")[2]
    if done.returncode and last.startswith(("ImportError", "ModuleNotFoundError")):
        raise Missing(last)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def cpu_of_children() -> float:
    """Return the seconds of processor time of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
