"""Command line: measure, print the table, keep the figures as JSON, and put the table into a file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.measure import measure, serving
from benchmarks.rows import PEERS, ROWS, Row
from benchmarks.table import Result, markdown, replaced, result

QUICK_ROUNDS, QUICK_SCALE = 3, 0.2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the status is 1 if our own client could not be measured."""
    options = parse(argv)
    if options.write:
        # Better to learn of missing markers now than after minutes of measuring.
        replaced(options.write.read_text(), "")
    scale = QUICK_SCALE if options.quick else 1.0
    rounds: int = options.rounds or (QUICK_ROUNDS if options.quick else 7)
    results: list[Result] = []
    with serving() as origins:
        for row in chosen(options.only):
            started = time.monotonic()
            samples = measure(row, options.clients, rounds, scale, origins)
            results += [result(figure, samples) for figure in row.figures]
            print(f"{row.key}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    table = f"{markdown(results)}\n\n{conditions(rounds)}"
    print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    figures = [each.as_json() for each in results]
    options.json.write_text(json.dumps({"conditions": conditions(rounds), "figures": figures}, indent=2) + "\n")
    if options.write:
        options.write.write_text(replaced(options.write.read_text(), table))
    measured = all({"raw", "openai", "own"} & each.ratios.keys() for each in results)
    return 1 if "vantage" in options.clients and not measured else 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and calls, for a first look")
    parser.add_argument("--rounds", type=int, help="how often each client is measured (default: 7, quick: 3)")
    parser.add_argument("--only", type=names([row.key for row in ROWS]), help="rows, as in get,list")
    parser.add_argument("--clients", type=names(PEERS), default=list(PEERS), help="clients, as in vantage,raw")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the markers of a file")
    parser.add_argument("--json", type=Path, metavar="FILE", default=Path("build/bench.json"))
    return parser.parse_args(argv)


def names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a reader of comma-separated names that refuses unknown ones."""

    def read(text: str) -> list[str]:
        wanted = text.split(",")
        if unknown := set(wanted) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(known)}")
        return wanted

    return read


def chosen(only: Sequence[str] | None) -> list[Row]:
    """Return the rows asked for, in their own order."""
    return [row for row in ROWS if only is None or row.key in only]


def conditions(rounds: int) -> str:
    """Say how the table came about."""
    packages = " · ".join(f"{name} {installed(name)}" for name in ("httpx", "openai", "pydantic"))
    return (
        f"CPU of the client process unless it says wall; a ratio is the median of {rounds} rounds, "
        "the spread is that of the ratio with the first goal; openai reads flat records of the same size. "
        f"Python {platform.python_version()} · {packages} · {cores()} cores."
    )


def installed(package: str) -> str:
    """Return the version of a package, if it is here."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
