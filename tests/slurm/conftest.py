"""A real Slurm cluster, and servers over it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.slurm.backends import COMMANDS, SLURMRESTD, served
from tests.support.slurm import PROGRAMS, Site, missing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mock_server import MockServer

WANTED = "SLURM_TESTS"
SETTLE = 9.0
"""Seconds after which slurmrestd of ``fragile`` has given up; it tries for twice Slurm's MessageTimeout."""


@contextmanager
def cluster(*programs: str, **shape: Any) -> Generator[Site]:
    """Run a cluster of its own for what others would notice: outages, thousands of jobs, accounts."""
    if not os.environ.get(WANTED):
        pytest.skip("a real cluster is started by make test-slurm only")
    if (reason := missing((*PROGRAMS, *programs))) is not None:
        pytest.skip(reason)
    running = Site(**shape)
    try:
        yield running.up()
    finally:
        running.down()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A cluster that the tests of a process share; each process has its own."""
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def fragile() -> Iterator[Site]:
    """A cluster that notices soon what is away."""
    with cluster(GPU_NODES=0, SLURMD_TIMEOUT=6, MESSAGE_TIMEOUT=4, KILL_WAIT=2) as running:
        yield running


@pytest.fixture(params=[SLURMRESTD, COMMANDS])
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """A server that reaches Slurm through slurmrestd, and one that runs its commands."""
    with served(request) as running:
        yield running


@pytest.fixture
def platform(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer YOUR_API_KEY"}, timeout=30) as client:
        yield client


@pytest.fixture
def s9s(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}, timeout=30) as client:
        yield client
