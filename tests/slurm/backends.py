"""One server over each backend: the simulation, and a real cluster reached in two ways."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mock_server import MockServer

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest

    from tests.support.slurm import Site

SIMULATED, SLURMRESTD, COMMANDS = "simulated", "slurmrestd", "commands"


@contextmanager
def served(request: pytest.FixtureRequest) -> Generator[MockServer]:
    """Run the server that the parameter of a fixture names; a real cluster is there under make test-slurm only."""
    if request.param == SIMULATED:
        with MockServer(world="empty", clock="auto", rate_limits=False) as running:
            yield running
    else:
        site: Site = request.getfixturevalue("site")
        settings = site.settings() if request.param == SLURMRESTD else site.without_slurmrestd()
        with MockServer(slurm=settings, world="empty", rate_limits=False) as running:
            yield running
