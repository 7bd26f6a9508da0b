"""A tiny shell that runs a job's command on the cluster clock and touches nothing but the job."""

from __future__ import annotations

from mock_server.cluster.shell.interpreter import Shell
from mock_server.cluster.shell.traps import Signalled

__all__ = ["Shell", "Signalled"]
