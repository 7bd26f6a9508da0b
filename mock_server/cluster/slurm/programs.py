"""Slurm's programs as processes: argument lists, never a shell; never longer and never more output than allowed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import shutil
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.backend import RequestError, UnavailableError, UnsupportedError
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.accounts import rights

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

    from mock_server.cluster.slurm.listing import Entries
    from mock_server.cluster.slurm.settings import SlurmSettings

MAX_TEXT = 64 * 1024
"""Bytes of a message or a short answer."""

MAX_LIST = 512 * 2**20
"""Bytes of a list, which has 3 KB for each job."""

_BLOCK = 64 * 1024
_COMPLAINT = 1000
_PREFIX = re.compile(r"(sbatch|squeue|sinfo|scancel|scontrol|sacct): (error|fatal): ")
# What a site needs to find programs and libraries. Other variables, such as SQUEUE_STATES, would change what commands
# do; a SLURM_JWT would make them use it in the place of munge.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SLURM_CONF")


class Output(NamedTuple):
    """How a program ended and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """What it said about its failure, without its name before every line."""
        lines = [_PREFIX.sub("", line) for line in (self.err.strip() or self.text.strip()).splitlines()]
        return "; ".join(lines)[:_COMPLAINT] or f"it ended with code {self.code}"


class Programs:
    """Runs Slurm's programs where the settings say that they are."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings

    async def run(
        self,
        name: str,
        *arguments: str,
        account: str | None = None,
        stdin: str = "",
        descriptor: int | None = None,
        timeout: float | None = None,
        limit: int = MAX_TEXT,
        entries: Entries | None = None,
    ) -> Output:
        """Run a program to its end and return what it printed.

        ``account`` is whose process it is, by default the server's own; ``descriptor`` is one that it inherits.  More
        than ``timeout`` seconds, by default those of the settings, are an ``UnansweredError``, more than ``limit``
        bytes an ``InDoubtError``; it is ended then.  With ``entries`` its output goes into them as it comes.
        """
        seconds = timeout or self._settings.timeout
        fed = _encoded("script", stdin)
        out, err = bytearray(), bytearray()
        process = await self._start(name, arguments, account, descriptor)
        try:
            async with asyncio.timeout(seconds):
                printed, complained, _ = await asyncio.gather(
                    _read(process, process.stdout, limit, out.extend if entries is None else entries.feed),
                    _read(process, process.stderr, MAX_TEXT, err.extend),
                    _feed(process.stdin, fed),
                )
                await process.wait()
        except TimeoutError:
            raise UnansweredError(f"{name} did not come to an end within {seconds:g} seconds") from None
        finally:
            await _end(process)
        if printed > limit or complained > MAX_TEXT:
            raise InDoubtError(f"{name} prints more than the {limit} bytes that are read")
        return Output(process.returncode or 0, bytes(out), err.decode(errors="replace"))

    async def _start(
        self, name: str, arguments: tuple[str, ...], account: str | None, descriptor: int | None
    ) -> Process:
        for argument in arguments:
            _encoded("job", argument)
        try:
            return await asyncio.create_subprocess_exec(
                self._program(name),
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=() if descriptor is None else (descriptor,),
                env=self._environment(),
                cwd="/",
                **rights(account),
            )
        except OSError as error:
            if isinstance(error, PermissionError | FileNotFoundError):
                raise UnsupportedError(f"Slurm's {name} cannot be run on this machine: {error.strerror}") from None
            if error.errno == errno.E2BIG:
                raise RequestError("job", "the request is longer than the arguments of a command may be") from None
            raise UnavailableError(f"{name} cannot be started: {error.strerror}") from None

    def find(self, name: str) -> str | None:
        """Return where a program is."""
        return shutil.which(name, path=self._settings.bin_directory or os.environ.get("PATH"))

    def _program(self, name: str) -> str:
        path = self.find(name)
        if path is None:
            raise UnsupportedError(f"needs Slurm's {name} on this machine")
        return path

    def _environment(self) -> dict[str, str]:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"LC_ALL": "C"}
        if self._settings.slurm_conf is not None:
            environment["SLURM_CONF"] = self._settings.slurm_conf
        return environment


def _encoded(field: str, text: str) -> bytes:
    """Return a text as bytes; what cannot be part of an argument or a script is refused."""
    if "\0" in text:
        raise RequestError(field, "a character with the number 0 cannot be passed to Slurm")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise RequestError(field, "half a character cannot be passed to Slurm") from None


async def _read(
    process: Process, stream: asyncio.StreamReader | None, limit: int, take: Callable[[bytes], object]
) -> int:
    """Let ``take`` have what comes, and return how much it was; who prints more than ``limit`` is ended."""
    size = 0
    while stream is not None and (block := await stream.read(_BLOCK)):
        size += len(block)
        if size <= limit:
            take(block)
        else:
            _kill(process)
    return size


async def _feed(stream: asyncio.StreamWriter | None, content: bytes) -> None:
    if stream is None:
        return
    # Who ends before it has read everything says why itself.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(content)
        await stream.drain()
    stream.close()


async def _end(process: Process) -> None:
    """See to it that nothing is left of a process, also if nobody waits for it any more."""
    if process.returncode is None:
        _kill(process)
        await process.communicate()


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
