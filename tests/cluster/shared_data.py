"""Traces and records of a real Slurm, which are not part of the project, for those who have them at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.swf import TracedJob

ROOT = Path(__file__).parent.parent.parent
VARIABLE = "VANTAGE_DATA"


def shared_data(name: str) -> Path:
    """Return a file of the folder that ``VANTAGE_DATA`` names, else of ``../shared/data``; skip the test without it."""
    folder = os.environ.get(VARIABLE)
    path = (ROOT.parent / "shared" / "data" if folder is None else Path(folder)) / name
    if not path.exists():
        pytest.skip(f"there is no {path.name}; {VARIABLE} may name a folder that has it")
    return path


def golden(name: str) -> Any:
    """Return a record of what a real Slurm did."""
    return json.loads(shared_data(f"slurm_golden/{name}").read_text())


def golden_workload(scale: int = 1) -> list[TracedJob]:
    """Return the jobs that the real Slurm had, with all times multiplied."""
    return [
        TracedJob(
            number,
            submit=scale * submit,
            run=scale * run,
            requested_processors=cpus,
            requested_time=scale * limit,
        )
        for number, submit, run, cpus, limit in golden("workload26.json")
    ]
