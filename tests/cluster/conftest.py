"""Fixtures of the cluster tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.slurm_bench import Bench
from tests.cluster.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A server over a fake Slurm, at which it has had a look."""
    made = Bench(tmp_path, monkeypatch)
    made.look()
    return made
