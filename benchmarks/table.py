"""Ratios from samples, and the table that shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.measure import Samples
from benchmarks.rows import Figure

NONE = "-"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
HEADER = ("figure", "ours / raw httpx", "ours / openai", "goal", "spread")


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of round-by-round ratios, the least and the greatest of them, and the goal."""

    median: float
    low: float
    high: float
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is reached, as far as there is one."""
        return None if self.goal is None else round(self.median, 2) <= self.goal


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table: our ratios to ``raw``, to ``openai`` or to ``own``, and openai over raw as ``peers``."""

    figure: str
    ratios: dict[str, Ratio]

    def as_json(self) -> dict[str, object]:
        """Return plain data with the verdict on each goal."""
        ratios = {name: {**asdict(ratio), "met": ratio.met} for name, ratio in self.ratios.items()}
        return {"figure": self.figure, **ratios}


def result(figure: Figure, samples: Samples) -> Result:
    """Read one figure off the samples of its row."""
    wanted = {
        "raw": (figure.leg, figure.raw, figure.goal_raw),
        "openai": (figure.leg, figure.openai, figure.goal_openai),
        "own": (figure.leg, figure.own, figure.goal_own),
        "peers": (figure.openai, figure.raw, None),
    }
    ratios = {
        name: ratio(samples, over, under, figure.above, goal)
        for name, (over, under, goal) in wanted.items()
        if over in samples and under in samples
    }
    return Result(figure.name, ratios)


def ratio(samples: Samples, over: str, under: str, above: str | None, goal: float | None) -> Ratio:
    """Return one leg over another, both of them above a third if there is one."""
    base = median(samples[above]) if above else 0.0
    # A very light import can measure below the bare interpreter: no ratio is negative.
    rounds = [max(0.0, a - base) / (b - base) for a, b in zip(samples[over], samples[under], strict=True)]
    return Ratio(median(rounds), min(rounds), max(rounds), goal)


def markdown(results: Sequence[Result]) -> str:
    """Return the table."""
    lines = [HEADER, ("---", "---:", "---:", "---", "---"), *map(_line, results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replaced(text: str, table: str) -> str:
    """Return the text with the table between its markers."""
    changed, count = re.subn(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}\n{END}", text, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"no {BEGIN} ... {END} to write between")
    return changed


def _line(result: Result) -> tuple[str, ...]:
    raw, openai, own = (result.ratios.get(name) for name in ("raw", "openai", "own"))
    first = f"{own.median:.2f} of own" if own and not raw else _cell(raw)
    if own and raw:
        first += f" ({own.median:.2f} of own)"
    goals = [
        f"≤ {ratio.goal:.2f}{suffix}"
        for ratio, suffix in ((raw, ""), (openai, " of openai"), (own, " of own"))
        if ratio and ratio.goal is not None
    ]
    lead = own if own and own.goal is not None else raw or openai
    spread = f"{lead.low:.2f} to {lead.high:.2f}" if lead else NONE
    return result.figure, first, _cell(openai), ", ".join(goals) or NONE, spread


def _cell(ratio: Ratio | None) -> str:
    return f"{ratio.median:.2f}" if ratio else NONE
