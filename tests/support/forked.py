"""Processes that start quickly, because the one that they are forked from has imported everything already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Self

from tests.contract.reference import ROOT

_PARENT = """
import json, os, sys

def begin():
    "Wait until all who were started together are here."
    os.write(here[1], b".")
    os.close(go[1])
    os.read(go[0], 1)

{program}

for line in sys.stdin:
    here, go, children = os.pipe(), os.pipe(), []
    for arguments in json.loads(line):
        if (child := os.fork()) == 0:
            act(*arguments)
            sys.exit()
        children.append(child)
    os.close(here[1])
    waited = children.copy()
    while waited and os.read(here[0], 1):
        waited.pop()
    for end in (here[0], *go):
        os.close(end)
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]), flush=True)
"""


class Forked:
    """Runs ``act`` of a program in processes of its own; those of one call go on together from where they ``begin()``."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            (sys.executable, "-c", _PARENT.replace("{program}", program)),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: tuple[Any, ...]) -> list[int]:
        """Start one process for each tuple of arguments and return their exit codes, that of a signal below 0."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        codes: list[int] = json.loads(self._process.stdout.readline())
        return codes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
