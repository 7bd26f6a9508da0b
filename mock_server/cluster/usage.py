"""What ran in a period, added up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals of one cluster between two instants; percentages are of the capacity that was there."""

    start: float
    end: float
    cpu_hours: float
    gpu_hours: float
    memory_gb_hours: float
    jobs_total: int
    cpu_percent: float
    memory_percent: float
    gpu_percent: float
