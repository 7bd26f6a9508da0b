"""The written contract that the copies and tables of these tests were taken from, for those who have it at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VARIABLE = "VANTAGE_CONTRACT"


def reference(name: str) -> Path:
    """Return a file or folder of the contract that ``VANTAGE_CONTRACT`` names; skip the test if there is none."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        pytest.skip(f"{VARIABLE} names no folder with the written contract")
    return Path(folder) / name


def reference_data(name: str) -> Any:
    """Return what a YAML file of the contract says."""
    return yaml.safe_load(reference(name).read_text())
