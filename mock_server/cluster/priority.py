"""Multifactor priority: the order in which waiting jobs are considered.

The rule is that of Slurm's plugin ``priority/multifactor``: a weighted sum of factors from 0 to 1, rounded.

    priority = requested
             + age weight * min(1, seconds since the job could compete / max_age)
             + size weight * its CPUs / all CPUs, or with ``favor_small`` 1 minus that
             + qos weight * priority of its QOS / highest priority of any
             + partition weight * priority of its partition / highest priority of any
             + fair share weight * factor of its account, see ``fair_share``

``requested`` is the priority that the submitter or an operator has set, Slurm's site factor.  Equal priorities go by
the order of submission.  With all weights at 0, the default, jobs are ordered by the requested priority alone, as with
``priority/basic``.  A held job has priority 0, whatever it asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each factor adds at most; ``max_age`` in seconds, after which age adds no more (Slurm: 7 days)."""

    age: int = 0
    size: int = 0
    qos: int = 0
    partition: int = 0
    fair_share: int = 0
    max_age: float = 7 * DAY
    favor_small: bool = False

    def __post_init__(self) -> None:
        if min(self.age, self.size, self.qos, self.partition, self.fair_share) < 0:
            raise ValueError("a weight must not be negative")
        if self.max_age <= 0:
            raise ValueError("max_age must be above 0 seconds")

    @property
    def is_basic(self) -> bool:
        """Whether the requested priority alone counts, so that the order never changes by itself."""
        return not (self.age or self.size or self.qos or self.partition or self.fair_share)


@dataclass(frozen=True, slots=True)
class Factors:
    """What speaks for a job, each 0 to 1; ``size`` is its part of the machine."""

    age: float = 0.0
    size: float = 0.0
    qos: float = 0.0
    partition: float = 0.0
    fair_share: float = 0.0


def age_factor(waited: float, max_age: float) -> float:
    """Return how much a wait of so many seconds counts."""
    return min(1.0, max(0.0, waited) / max_age)


def part(amount: float, whole: float) -> float:
    """Return which part of a whole something is, 0 of nothing."""
    return min(1.0, max(0.0, amount / whole)) if whole > 0 else 0.0


def priority(requested: int, factors: Factors, weights: Weights) -> int:
    """Return the priority of a job that is not held; higher goes first."""
    size = 1.0 - factors.size if weights.favor_small else factors.size
    return requested + round(
        weights.age * factors.age
        + weights.size * size
        + weights.qos * factors.qos
        + weights.partition * factors.partition
        + weights.fair_share * factors.fair_share
    )
