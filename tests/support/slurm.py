"""A real Slurm cluster of some nodes on this machine, for the tests that need one."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Self

from mock_server.cluster.slurm.settings import SlurmSettings
from tests.slurm.waiting import until
from tests.support.ports import Ports

KEEPER = Path(__file__).parents[1] / "slurm" / "keep.sh"
PORTS = 16
VERSION = "SLURM_API"
"""Names the version of slurmrestd's interface, where it has several: ``v0.0.40``; the newest one otherwise."""
ACCOUNTED = "SLURM_ACCOUNTING"
"""Gives every cluster a database of accounts, without which later Slurms let some jobs wait."""
_CALL = re.compile(r"^\s+(REQUEST_\w+)\s*\(\s*\d+\)\s*count:(\d+)", re.MULTILINE)
_ASKED = re.compile(r"REQUEST_(SUBMIT|JOB_|NODE_INFO|PARTITION_INFO|UPDATE|KILL|CANCEL)")
SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


PROGRAMS = ("slurmctld", "slurmd", "scontrol", "munged", "slurmrestd")
ACCOUNTING = ("slurmdbd", "sacctmgr", "mariadbd", "mariadb-install-db")


def missing(programs: tuple[str, ...] = PROGRAMS) -> str | None:
    """Return why there can be no cluster here, ``None`` if there can."""
    for name in programs:
        if shutil.which(name, path=SEARCH) is None:
            return f"{name} is not on PATH; docs/slurm.md says which packages bring it"
    return None


class Site:
    """Two nodes with GPUs in the partition ``gpu``, two without in ``normal``; everything is below ``state``.

    With ``accounting`` there is a database of what jobs used, and they are looked at every second.  ``variables`` are
    those of ``up.sh`` for a cluster of another shape, without ``SIMSLURM_``.
    """

    def __init__(self, *, accounting: bool = False, **variables: object) -> None:
        if accounting or ACCOUNTED in os.environ:
            variables = {"DBD": 1, "INNODB_MB": 16, "GATHER": 1, **variables}
        if VERSION in os.environ:
            variables = {"API": os.environ[VERSION], **variables}
        self._variables = {f"SIMSLURM_{name}": str(value) for name, value in variables.items()}
        self.state = Path(tempfile.mkdtemp(prefix="vantage-slurm-"))
        self.state.chmod(0o755)
        self._ports = Ports(PORTS)
        self.port = self._ports.first
        self._keeper: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed by ``down``)
        self._one_at_a_time = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port + 3}"

    @property
    def directory(self) -> Path:
        """Where jobs write."""
        return self.state / "out"

    @property
    def account(self) -> str:
        """Who jobs run as."""
        return _somebody() if os.geteuid() == 0 else self.operator

    @property
    def operator(self) -> str:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name

    def settings(self, **changes: object) -> SlurmSettings:
        values: dict[str, object] = {
            "url": self.url,
            "user": self.account,
            "operator": self.operator,
            "directory": str(self.directory),
            "slurm_conf": str(self.state / "etc" / "slurm.conf"),
            "bin_directory": str(Path(shutil.which("scontrol", path=SEARCH) or "").parent),
            "partition": "normal",
        }
        return SlurmSettings(**{**values, **changes})  # type: ignore[arg-type]

    def without_slurmrestd(self, **changes: object) -> SlurmSettings:
        """Return settings by which Slurm's commands are used; these do not tell which partition is the default."""
        return self.settings(**{"url": None, "partition": "normal", **changes})

    def up(self) -> Self:
        """Start what does not run."""
        with self._one_at_a_time:
            keeper = self._keeper = self._keeper or self._kept()
            assert keeper.stdin is not None
            assert keeper.stdout is not None
            keeper.stdin.write(b"up\n")
            keeper.stdin.flush()
            if keeper.stdout.readline() != b"0\n":
                raise RuntimeError(f"up.sh failed: {self._last_said()}")
        return self

    def down(self) -> None:
        """Stop everything and remove what it wrote; this happens by itself when this process ends, however it does."""
        with self._one_at_a_time:
            keeper, self._keeper = self._keeper or self._kept(), None
            with keeper, self._said:
                keeper.communicate(timeout=120)
                self._ports.close()
                if keeper.returncode != 0 or self.state.exists():
                    raise RuntimeError(f"down.sh failed: {self._last_said()}")

    def end_controller(self) -> None:
        """Let slurmctld be away until the next ``up``."""
        self.end("slurmctld")

    def end(self, program: str, node: str | None = None) -> None:
        """Let one of the cluster's programs be away until the next ``up``; of slurmd there is one for each node."""
        name = program if node is None else f"{program}.{node}"
        file = self.state / ("munge" if program == "munged" else "run") / f"{name}.pid"
        pid = int(file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() != program:
            raise RuntimeError(f"process {pid} is not {program}")
        os.kill(pid, signal.SIGTERM)  # which lets it write down what it knows
        until(lambda: _is_over(pid), bool, 30.0)

    def command(self, name: str, *arguments: str) -> str:
        """Run one of Slurm's commands and return what it prints."""
        path = shutil.which(name, path=SEARCH)
        if path is None:
            raise RuntimeError(f"{name} is not installed")
        environment = {**self._environment(), "SLURM_CONF": str(self.state / "etc" / "slurm.conf")}
        done = subprocess.run(
            (path, *arguments), env=environment, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def calls(self) -> int:
        """Return how many calls slurmctld says it had since it started, without those between Slurm's own daemons."""
        by_type = self.command("sdiag").partition("by message type")[2].partition("by user")[0]
        return sum(int(count) for name, count in _CALL.findall(by_type) if _ASKED.match(name))

    def _kept(self) -> subprocess.Popen[bytes]:
        """Start who starts the cluster, and who stops it when the pipe to this process is gone."""
        return subprocess.Popen(
            ("bash", str(KEEPER)),
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,  # what interrupts this process does not interrupt that one
        )

    def _last_said(self) -> str:
        size = os.fstat(self._said.fileno()).st_size
        # Not by reading, since the place in the file is shared with those who write.
        return os.pread(self._said.fileno(), 2000, max(0, size - 2000)).decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SIMSLURM"))}
        return {
            **kept,
            "PATH": SEARCH,
            "SIMSLURM_STATE": str(self.state),
            "SIMSLURM_PORT": str(self.port),
            **self._variables,
        }


def _somebody() -> str:
    """Return an account of this machine that jobs may run as; Slurm 26.05 refuses ``nobody``."""
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("games", "mail", "nobody") if name in names)


def _is_over(pid: int) -> bool:
    """Tell whether a process has ended; one that waits for its parent to notice has."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "State:\tZ" in status
