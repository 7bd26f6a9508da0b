"""Legs that move files: our client and plain httpx in fresh processes, and curl."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping

from benchmarks.processes import Cost, Missing, cpu_of_children, run
from benchmarks.rows import Move, Shell
from benchmarks.transfers.ground import MIB, Ground


class Mover:
    """A client in a fresh process, which measures itself."""

    def __init__(self, leg: Move, ground: Ground) -> None:
        self._ground = ground
        url = origin(ground, secure=leg.secure)
        orders = [leg.peer, leg.call, url, leg.offer, str(ground.folder), *map(str, leg.arguments)]
        self._command = [sys.executable, "-m", "benchmarks.transfers.mover", *orders]

    def sample(self) -> Cost:
        try:
            # The records of transfers under way go where everything else is removed, too.
            cost: dict[str, float] = json.loads(run(self._command, VANTAGE_STATE_DIR=str(self._ground.folder)))
        finally:
            self._ground.clear()
        return cost

    def close(self) -> None:
        """Nothing is left running."""


class Command:
    """Commands that are run one after the other; their cost is that of all of them."""

    def __init__(self, leg: Shell, ground: Ground) -> None:
        self._ground = ground
        known = words(ground, secure=leg.secure)
        self._commands = [[word.format_map(known) for word in shlex.split(command)] for command in leg.commands]
        for command in self._commands:
            if shutil.which(command[0]) is None:
                raise Missing(f"no {command[0]} here")

    def sample(self) -> Cost:
        cpu, wall = cpu_of_children(), time.perf_counter()
        try:
            said = [run(command) for command in self._commands]
            cpu, wall = cpu_of_children() - cpu, time.perf_counter() - wall
            self._check(said)
        finally:
            self._ground.clear()
        return {"cpu": cpu, "wall": wall, "rate": self._ground.large.stat().st_size / MIB / wall}

    def _check(self, said: list[str]) -> None:
        new = sum(path.stat().st_size for path in self._ground.folder.glob("new*"))
        assert new in (0, self._ground.large.stat().st_size), "curl brought only a part of the file"
        hashed = len(said) > 1 and said[-1].count("\n") == 1
        assert not hashed or said[-1].startswith(self._ground.digest), "curl brought another file"

    def close(self) -> None:
        """Nothing is left running."""


def origin(ground: Ground, *, secure: bool) -> str:
    """Return where the server listens; raise ``Missing`` if it does not."""
    if not secure:
        return ground.plain
    if ground.secure is None:
        raise Missing("no certificate without trustme")
    return ground.secure


def words(ground: Ground, *, secure: bool) -> Mapping[str, str]:
    """Return what commands may name: places, and the bounds of eight ranges."""
    size = ground.large.stat().st_size
    base = f"{origin(ground, secure=secure)}/parts/v1"
    ranges = {f"range{number}": f"{number * size // 8}-{(number + 1) * size // 8 - 1}" for number in range(8)}
    return {
        "url": f"{base}/storage/files/file_large/download",
        "files": f"{base}/storage/files",
        "scrap": f"{base}/scrap",
        "authority": ground.authority or os.devnull,
        "large": str(ground.large),
        "new": str(ground.new),
        "nowhere": os.devnull,
        **ranges,
    }
