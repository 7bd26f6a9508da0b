"""Waiting for what a real cluster does in its own time."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server import MockServer

T = TypeVar("T")

_NEVER = threading.Event()


def until(look: Callable[[], T], wanted: Callable[[T], bool], timeout: float = 60.0) -> T:
    """Look again and again until what is seen is ``wanted``, and return it."""
    end = time.monotonic() + timeout
    while not wanted(seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"after {timeout:g} seconds it is still {seen!r}")
        _NEVER.wait(0.1)
    return seen


class Gate:
    """What jobs run up to until the test has seen what it wants; ``script`` is how they wait.

    Without a directory that jobs can look into, that is on a simulation, the time it takes is a few seconds of its own.
    """

    def __init__(self, directory: Path | str | None) -> None:
        self._file = None if directory is None else Path(directory) / f"gate-{secrets.token_hex(8)}"
        self.script = "sleep 3" if self._file is None else f"until [ -e {self._file} ]; do sleep 0.1; done"

    @classmethod
    def of(cls, server: MockServer) -> Gate:
        """Return one for the jobs of a server over either backend."""
        slurm = server.app.state.slurm
        return cls(None if slurm is None else slurm.settings.directory)

    def open(self) -> None:
        """Let them go on."""
        if self._file is not None:
            self._file.touch()
