"""Command line: measure, print the table, keep the figures as JSON, and put the table into a file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import services
from benchmarks.measure import measure, serving
from benchmarks.report import Beside, table
from benchmarks.rows import PEERS, ROWS, Row
from benchmarks.table import HEADERS, Result, markdown, medians, replaced, result
from benchmarks.transfers.ground import amounts
from benchmarks.transfers.rows import TRANSFERS

ALL = (*ROWS, *TRANSFERS)
SERVER = {"services": services.measured}
"""What is measured of the server, by the name that ``--only`` has for it."""
QUICK_ROUNDS, QUICK_SCALE = 3, 0.2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the status is 1 if our own client could not be measured."""
    options = parse(argv)
    if options.write:
        # Better to learn of missing markers now than after minutes of measuring.
        replaced(options.write.read_text(), "")
    scale = QUICK_SCALE if options.quick else 1.0
    rounds: int = options.rounds or (QUICK_ROUNDS if options.quick else 7)
    signal.signal(signal.SIGTERM, stop)
    results, costs = measured(chosen(options.only), options.clients, rounds, scale)
    served = serving_others(options.only, rounds, scale)
    tables = [markdown(lines, group) for group, lines in results.items() if lines]
    notes = [*([moving(scale)] if results["transfers"] else []), conditions(rounds)]
    text = "\n\n".join([*tables, *([table(served)] if served else []), *notes])
    print(text)
    every = [line for lines in results.values() for line in lines]
    report = {
        "conditions": conditions(rounds),
        "figures": [line.as_json() for line in (*every, *served)],
        "costs": costs,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    if options.write:
        options.write.write_text(replaced(options.write.read_text(), text))
    return 1 if "vantage" in options.clients and not all(line.is_measured for line in every) else 0


def measured(
    rows: Sequence[Row], clients: Sequence[str], rounds: int, scale: float
) -> tuple[dict[str, list[Result]], dict[str, dict[str, dict[str, float]]]]:
    """Return the lines of each table, and the median costs of each leg of each row."""
    results: dict[str, list[Result]] = {group: [] for group in HEADERS}
    costs: dict[str, dict[str, dict[str, float]]] = {}
    if not rows:
        return results, costs
    with serving(rows, scale) as origins:
        for row in rows:
            started = time.monotonic()
            samples = measure(row, clients, rounds, scale, origins)
            results[row.group] += [result(figure, samples) for figure in row.figures]
            costs[row.key] = {leg: medians(runs) for leg, runs in samples.items()}
            print(f"{row.key}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return results, costs


def serving_others(only: Sequence[str] | None, rounds: int, scale: float) -> list[Beside]:
    """Return the lines of the table about the server."""
    lines: list[Beside] = []
    for name, measured in SERVER.items():
        if only is None or name in only:
            started = time.monotonic()
            lines += measured(rounds, scale)
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return lines


def stop(number: int, _: object) -> None:
    """End as after Ctrl-C, so that processes are ended and files removed."""
    sys.exit(128 + number)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and calls, for a first look")
    parser.add_argument("--rounds", type=int, help="how often each client is measured (default: 7, quick: 3)")
    parser.add_argument(
        "--only", type=names([*HEADERS, *(row.key for row in ALL), *SERVER]), help="rows, as in get,transfers"
    )
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
    """Return the rows asked for by their keys or groups, in their own order."""
    return [row for row in ALL if only is None or row.key in only or row.group in only]


def conditions(rounds: int) -> str:
    """Say how the tables came about."""
    packages = " · ".join(f"{name} {installed(name)}" for name in ("httpx", "openai", "pydantic"))
    return (
        "CPU of the client process unless it says wall or rate; "
        f"a ratio is the median of {rounds} rounds, the spread is that of the ratio with the first goal; "
        "openai reads flat records of the same size. "
        f"Python {platform.python_version()} · {packages} · {cores()} cores."
    )


def moving(scale: float) -> str:
    """Say what the table of transfers shows."""
    size, count = amounts(scale)
    return (
        f"A file of {size} MiB over loopback, from memory to memory; small files are {count} of 1 KiB. "
        "To verify is to compute the sha256, as curl does with `openssl dgst` after it. "
        "A ratio of rates is good when it is high. "
        "Memory is the peak beyond that of a process that has moved one small file; a stall is measured on all cores."
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
