"""Programs in the place of Slurm's: they print what they are told to, and note down how they were run."""

from __future__ import annotations

import json
import os
import pwd
import sys
from typing import TYPE_CHECKING, Any

from mock_server.cluster.slurm.cli import Cli
from mock_server.cluster.slurm.programs import Programs
from mock_server.cluster.slurm.settings import SlurmSettings

if TYPE_CHECKING:
    from pathlib import Path

OWN = pwd.getpwuid(os.geteuid()).pw_name
PROGRAM = """#!{python} -SE
import json, os, sys
told, given = {told!r}, sys.argv[1:]
files = [int(each.partition("=")[2]) for each in given if each.startswith("--export-file=")]
seen = dict(given=given, stdin=sys.stdin.read(), environment=dict(os.environ), cwd=os.getcwd())
seen["exported"] = [os.read(file, 1 << 20).decode() for file in files]
with open(os.path.join({folder!r}, {name!r} + ".calls"), "a") as calls:
    calls.write(json.dumps(seen) + "\\n")
for words, code, out, err in told:
    if words in " ".join(given):
        sys.stdout.write(out), sys.stderr.write(err), sys.exit(code)
sys.exit("nobody has said what to do then")
"""


class FakeSlurm:
    """A folder of such programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tells(self, name: str, out: str = "", err: str = "", code: int = 0, words: str = "") -> None:
        """Let a program end so if ``words`` are among its arguments."""
        self.write(name, [(words, code, out, err)])

    def write(self, name: str, told: list[tuple[str, int, str, str]]) -> None:
        """Let a program do what is said for the first words that are among its arguments: code, output, errors."""
        path = self.folder / name
        path.write_text(PROGRAM.format(python=sys.executable, told=told, folder=str(self.folder), name=name))
        path.chmod(0o755)

    def calls(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def shell(self, name: str, script: str) -> None:
        """Let a program be a script of the shell."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def settings(self, **changes: Any) -> SlurmSettings:
        return SlurmSettings(**{"user": OWN, "bin_directory": str(self.folder), **changes})

    def programs(self, **changes: Any) -> Programs:
        return Programs(self.settings(**changes))

    def cli(self, **changes: Any) -> Cli:
        return Cli(self.settings(**changes))
