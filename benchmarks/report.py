"""What is measured of the server: amounts beside a peer's in the same run, and the table that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HEADER = ("figure", "ours", "beside it", "ours / beside", "goal", "spread")
NONE = "-"


@dataclass(frozen=True, slots=True)
class Beside:
    """One line of the table: amounts of ours, round by round, and those of a ``peer`` in the same rounds if there is one.

    ``goal`` bounds the ratio to the peer, or our own amount where there is none; it is the least with ``least``.
    """

    figure: str
    unit: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()
    goal: float | None = None
    least: bool = False

    @property
    def rounds(self) -> list[float]:
        """What the goal is about, round by round."""
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)] if self.theirs else [*self.ours]

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is reached, as far as there is one."""
        if self.goal is None:
            return None
        found = median(self.rounds)
        return found >= self.goal if self.least else found <= self.goal

    def as_json(self) -> dict[str, object]:
        """Return plain data with the verdict."""
        return {
            "figure": self.figure,
            "unit": self.unit,
            "ours": [*self.ours],
            "peer": self.peer,
            "theirs": [*self.theirs],
            "goal": self.goal,
            "met": self.met,
        }

    def cells(self) -> tuple[str, ...]:
        """Return the line."""
        rounds = self.rounds
        sign = "≥" if self.least else "≤"
        return (
            self.figure,
            amount(median(self.ours), self.unit),
            f"{self.peer}: {amount(median(self.theirs), self.unit)}" if self.theirs else NONE,
            f"{median(rounds):.2f}" if self.theirs else NONE,
            NONE if self.goal is None else f"{sign} {self.goal:g}" + ("" if self.theirs else f" {self.unit}"),
            f"{min(rounds):.2f} to {max(rounds):.2f}" if self.theirs else f"{min(rounds):,.1f} to {max(rounds):,.1f}",
        )


def amount(value: float, unit: str) -> str:
    """Return a number with its unit, as exact as it deserves."""
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"


def table(lines: Sequence[Beside]) -> str:
    """Return the table of these lines."""
    ruler = ("---", "---:", "---:", "---:", "---", "---")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEADER, ruler, *(line.cells() for line in lines)))
