"""The four reports as data: figures, tables and charts, the main table first."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from mock_server.s9s.durations import clock_text
from mock_server.s9s.report_facts import JobFact
from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mock_server.s9s.report_facts import Capacity, Facts
    from mock_server.s9s.report_requests import ReportType

HOUR = 3_600.0
MOST_BARS = 10
BINS = 10
UNKNOWN = "unknown"
"""The mean of what has not been measured."""

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below named columns."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]

    def records(self) -> list[dict[str, Cell]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Chart:
    """Values over ``labels``: lines over time or bars beside each other."""

    title: str
    kind: Literal["lines", "bars"]
    labels: list[str]
    series: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says, whatever it is written as."""

    title: str
    start: float
    end: float
    figures: dict[str, Cell]
    tables: list[Table]
    charts: list[Chart] = field(default_factory=list[Chart])


def utilization(facts: Facts) -> Report:
    """How much of the nodes' resources jobs were given, in percent of what the nodes have now."""
    labels = [iso(start) for start, _ in facts.steps()]
    series = [_shares(facts.jobs, facts.whole, start, end) for start, end in facts.steps()]
    rows = list[tuple[Cell, ...]]()
    for name, capacity in facts.partitions.items():
        own = [job for job in facts.jobs if job.partition == name]
        shares = _shares(own, capacity, facts.start, facts.end)
        rows.append((name, len(own), _cpu_hours(own), _gpu_hours(own), *shares))
    names = ("cpu_percent", "memory_percent", "gpu_percent")
    return Report(
        title="Utilization",
        start=facts.start,
        end=facts.end,
        figures={
            **dict(zip(names, _shares(facts.jobs, facts.whole, facts.start, facts.end), strict=True)),
            "cpu_hours": _cpu_hours(facts.jobs),
            "gpu_hours": _gpu_hours(facts.jobs),
            "jobs": len(facts.jobs),
        },
        tables=[
            Table("utilization", ("timestamp", *names), [(at, *row) for at, row in zip(labels, series, strict=True)]),
            Table("partitions", ("partition", "jobs", "cpu_hours", "gpu_hours", *names), rows),
        ],
        charts=[
            Chart(
                "Percent of the nodes' resources",
                "lines",
                labels,
                {name: [row[place] for row in series] for place, name in enumerate(("CPU", "Memory", "GPU"))},
            ),
            _bars("CPU hours", {str(row[0]): float(row[2]) for row in rows}),
        ],
    )


def jobs(facts: Facts) -> Report:
    """What jobs were submitted and how they ended, and how long they waited."""
    submitted = [job for job in facts.jobs if facts.start <= job.submitted < facts.end]
    counts = Counter(job.state for job in submitted)
    waits = [job.waited for job in submitted if job.waited is not None]
    series = [
        (
            iso(start),
            sum(start <= job.submitted < end for job in submitted),
            sum(job.ended is not None and start <= job.ended < end for job in facts.jobs),
        )
        for start, end in facts.steps()
    ]
    partitions = [
        (name, len(own), sum(job.state == "COMPLETED" for job in own), _mean_clock(own))
        for name in facts.partitions
        for own in [[job for job in submitted if job.partition == name]]
    ]
    return Report(
        title="Jobs",
        start=facts.start,
        end=facts.end,
        figures={
            "submitted": len(submitted),
            **{state.lower(): count for state, count in sorted(counts.items())},
            "mean_wait": clock_text(fmean(waits) if waits else 0.0),
            "longest_wait": clock_text(max(waits, default=0.0)),
        },
        tables=[
            Table("jobs", ("timestamp", "submitted", "ended"), list(series)),
            Table("partitions", ("partition", "submitted", "completed", "mean_wait"), list(partitions)),
        ],
        charts=[
            Chart(
                "Jobs submitted and ended",
                "lines",
                [row[0] for row in series],
                {"Submitted": [row[1] for row in series], "Ended": [row[2] for row in series]},
            ),
            _bars("Jobs by state", {state: float(count) for state, count in sorted(counts.items())}),
        ],
    )


def efficiency(facts: Facts) -> Report:
    """How well jobs used what they were given; a mean is over the jobs that were given some of it."""
    ran = [job for job in facts.jobs if job.runs]
    names = ("cpu_efficiency", "memory_efficiency", "gpu_utilization")
    bins = [0] * BINS
    for job in ran:
        if job.cpu_efficiency is not None:
            bins[min(BINS - 1, int(job.cpu_efficiency * BINS))] += 1
    labels = [f"{100 * number // BINS}-{100 * (number + 1) // BINS}%" for number in range(BINS)]
    return Report(
        title="Efficiency",
        start=facts.start,
        end=facts.end,
        figures={"jobs": len(ran), **dict(zip(names, _means(ran), strict=True))},
        tables=[
            Table("users", ("user", "jobs", *names), _grouped(ran, lambda job: job.user)),
            Table("partitions", ("partition", "jobs", *names), _grouped(ran, lambda job: job.partition)),
        ],
        charts=[Chart("Jobs by CPU efficiency", "bars", labels, {"Jobs": [float(count) for count in bins]})],
    )


def users(facts: Facts) -> Report:
    """What each user's jobs had."""
    groups = defaultdict[str, list[JobFact]](list)
    for job in facts.jobs:
        groups[job.user].append(job)
    rows: list[tuple[Cell, ...]] = [
        (name, len(own), _cpu_hours(own), _gpu_hours(own), _mean_clock(own), _means(own)[0])
        for name, own in sorted(groups.items())
    ]
    return Report(
        title="Users",
        start=facts.start,
        end=facts.end,
        figures={
            "users": len(rows),
            "jobs": len(facts.jobs),
            "cpu_hours": _cpu_hours(facts.jobs),
            "gpu_hours": _gpu_hours(facts.jobs),
        },
        tables=[Table("users", ("user", "jobs", "cpu_hours", "gpu_hours", "mean_wait", "cpu_efficiency"), rows)],
        charts=[_bars("CPU hours", {str(row[0]): float(row[2]) for row in rows})],
    )


BUILDERS: dict[ReportType, Callable[[Facts], Report]] = {
    "utilization": utilization,
    "jobs": jobs,
    "efficiency": efficiency,
    "users": users,
}


def _shares(jobs: Iterable[JobFact], capacity: Capacity, start: float, end: float) -> tuple[float, float, float]:
    """Return how much of the CPUs, the memory and the GPUs jobs had, in percent."""
    cpus = memory = gpus = 0.0
    for job in jobs:
        seconds = job.overlap(start, end)
        cpus += job.cpus * seconds
        memory += job.memory * seconds
        gpus += job.gpus * seconds
    whole = end - start
    return (
        _percent(cpus, capacity.cpus * whole),
        _percent(memory, capacity.memory * whole),
        _percent(gpus, capacity.gpus * whole),
    )


def _percent(part: float, whole: float) -> float:
    return round(100.0 * part / whole, 2) if whole > 0 else 0.0


def _cpu_hours(jobs: Iterable[JobFact]) -> float:
    return round(sum(job.cpus * job.seconds for job in jobs) / HOUR, 2)


def _gpu_hours(jobs: Iterable[JobFact]) -> float:
    return round(sum(job.gpus * job.seconds for job in jobs) / HOUR, 2)


def _mean_clock(jobs: Iterable[JobFact]) -> str:
    waits = [job.waited for job in jobs if job.waited is not None]
    return clock_text(fmean(waits) if waits else 0.0)


def _means(jobs: Sequence[JobFact]) -> tuple[Cell, Cell, Cell]:
    ran = [job for job in jobs if job.runs]
    return (
        _mean(job.cpu_efficiency for job in ran),
        _mean(job.memory_efficiency for job in ran if job.memory),
        _mean(job.gpu_utilization for job in ran if job.gpus),
    )


def _mean(values: Iterable[float | None]) -> Cell:
    listed = list(values)
    known = [value for value in listed if value is not None]
    if listed and not known:
        return UNKNOWN
    return round(fmean(known), 4) if known else 0.0


def _grouped(jobs: Iterable[JobFact], key: Callable[[JobFact], str]) -> list[tuple[Cell, ...]]:
    groups = defaultdict[str, list[JobFact]](list)
    for job in jobs:
        groups[key(job)].append(job)
    return [(name, len(own), *_means(own)) for name, own in sorted(groups.items())]


def _bars(title: str, values: dict[str, float]) -> Chart:
    """Return the largest values as bars."""
    largest = sorted(values.items(), key=lambda item: (-item[1], item[0]))[:MOST_BARS]
    return Chart(title, "bars", [name for name, _ in largest], {title: [value for _, value in largest]})
