"""Ratios from samples, and the tables that show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.measure import Samples
from benchmarks.processes import Cost
from benchmarks.rows import Amount, Figure, Metric

NONE = "-"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
HEADERS = {
    "calls": ("figure", "ours / raw httpx", "ours / openai", "goal", "spread"),
    "transfers": ("figure", "ours / raw httpx", "ours / curl", "ours / boto3", "goal", "spread"),
}
OTHERS = {"calls": ("openai",), "transfers": ("curl", "boto3")}
UNITS = {"memory": "MiB", "stall": "ms"}


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of round-by-round ratios, the least and the greatest of them, and the goal: the most, or the least."""

    median: float
    low: float
    high: float
    goal: float | None = None
    least: bool = False

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is reached, as far as there is one."""
        if self.goal is None:
            return None
        shown = round(self.median, 2)
        return shown >= self.goal if self.least else shown <= self.goal


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a table: our ratios to other clients or to our ``own`` leg, and openai over raw as ``peers``.

    With a ``unit`` it has amounts: ``ours`` and those of others.
    """

    figure: str
    ratios: dict[str, Ratio]
    unit: str = ""

    @property
    def is_measured(self) -> bool:
        """Tell whether there is anything of ours."""
        return "ours" in self.ratios if self.unit else not self.ratios.keys() <= {"peers"}

    def as_json(self) -> dict[str, object]:
        """Return plain data with the verdict on each goal."""
        ratios = {name: {**asdict(ratio), "met": ratio.met} for name, ratio in self.ratios.items()}
        return {"figure": self.figure, **ratios}


def result(figure: Figure | Amount, samples: Samples) -> Result:
    """Read one figure off the samples of its row."""
    if isinstance(figure, Amount):
        return amounts(figure, samples)
    wanted = {
        "raw": (figure.leg, figure.raw, figure.goal_raw),
        "openai": (figure.leg, figure.openai, figure.goal_openai),
        "curl": (figure.leg, figure.curl, figure.goal_curl),
        "boto3": (figure.leg, figure.boto3, None),
        "own": (figure.leg, figure.own, figure.goal_own),
        "peers": (figure.openai, figure.raw, None),
    }
    ratios = {
        name: ratio(samples, over, under, figure.above, figure.metric, goal)
        for name, (over, under, goal) in wanted.items()
        if over in samples and under in samples
    }
    return Result(figure.name, ratios)


def ratio(samples: Samples, over: str, under: str, above: str | None, metric: Metric, goal: float | None) -> Ratio:
    """Return one leg over another, both of them above a third if there is one."""
    base = median(cost[metric] for cost in samples[above]) if above else 0.0
    pairs = zip(samples[over], samples[under], strict=True)
    # A very light import can measure below the bare interpreter: no ratio is negative.
    rounds = [max(0.0, a[metric] - base) / (b[metric] - base) for a, b in pairs]
    return Ratio(median(rounds), min(rounds), max(rounds), goal, least=metric == "rate")


def amounts(figure: Amount, samples: Samples) -> Result:
    """Return amounts in place of ratios."""
    found: dict[str, Ratio] = {}
    for name, leg, goal in (
        ("ours", figure.leg, figure.goal),
        ("raw", figure.raw, None),
        ("boto3", figure.boto3, None),
    ):
        if leg in samples:
            rounds = [cost[figure.metric] for cost in samples[leg]]
            found[name] = Ratio(median(rounds), min(rounds), max(rounds), goal)
    return Result(figure.name, found, UNITS[figure.metric])


def medians(runs: Sequence[Cost]) -> dict[str, float]:
    """Return the median cost of a leg by metric: only ratios are worth comparing between machines."""
    return {metric: median(cost[metric] for cost in runs) for metric in runs[0]}


def markdown(results: Sequence[Result], group: str) -> str:
    """Return the table of a group."""
    header, others = HEADERS[group], OTHERS[group]
    ruler = ("---", *["---:"] * (1 + len(others)), "---", "---")
    lines = [header, ruler, *(_line(result, others) for result in results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replaced(text: str, table: str) -> str:
    """Return the text with the table between its markers."""
    changed, count = re.subn(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}\n{END}", text, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"no {BEGIN} ... {END} to write between")
    return changed


def _line(result: Result, others: Sequence[str]) -> tuple[str, ...]:
    if result.unit:
        return _amounts(result, others)
    raw, own, *peers = (result.ratios.get(name) for name in ("raw", "own", *others))
    first = f"{own.median:.2f} of own" if own and not raw else _cell(raw)
    if own and raw:
        first += f" ({own.median:.2f} of own)"
    goals = [
        f"{'≥' if ratio.least else '≤'} {ratio.goal:.2f}{suffix}"
        for ratio, suffix in (
            (raw, ""),
            *zip(peers, (f" of {other}" for other in others), strict=True),
            (own, " of own"),
        )
        if ratio and ratio.goal is not None
    ]
    told = [ratio for ratio in (own, raw, *peers) if ratio]
    lead = next((ratio for ratio in told if ratio.goal is not None), told[0] if told else None)
    spread = f"{lead.low:.2f} to {lead.high:.2f}" if lead else NONE
    return result.figure, first, *map(_cell, peers), ", ".join(goals) or NONE, spread


def _amounts(result: Result, others: Sequence[str]) -> tuple[str, ...]:
    ours = result.ratios.get("ours")
    if ours is None:
        return result.figure, *[NONE] * (len(others) + 3)
    beside = [f"{name}: {result.ratios[name].median:.1f}" for name in ("raw", *others) if name in result.ratios]
    shown = f"{ours.median:.1f}" + (f" ({', '.join(beside)})" if beside else "")
    goal, spread = f"≤ {ours.goal:.0f}", f"{ours.low:.1f} to {ours.high:.1f}"
    return f"{result.figure}, {result.unit}", shown, *[NONE] * len(others), goal, spread


def _cell(ratio: Ratio | None) -> str:
    return f"{ratio.median:.2f}" if ratio else NONE
