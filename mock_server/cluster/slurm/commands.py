"""Slurm's own commands, for what its REST interface lacks; argument lists only, never a shell."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, cast

from mock_server.cluster.backend import DeniedError, RequestError, StateError, UnavailableError, UnsupportedError

if TYPE_CHECKING:
    from mock_server.cluster.slurm.settings import SlurmSettings

_TIMEOUT = 20.0


class Commands:
    """Runs them with the rights of the server's own account."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings

    async def token(self, account: str, lifespan: int) -> str:
        """Return a new token for an account."""
        text = await self.scontrol("token", f"username={account}", f"lifespan={lifespan}")
        name, _, token = text.strip().partition("=")
        if name != "SLURM_JWT" or not token:
            raise UnavailableError("scontrol gave no token; does slurm.conf have AuthAltTypes=auth/jwt?")
        return token

    async def update_node(self, name: str, state: str, reason: str | None = None) -> None:
        """Give a node another state; ``drain`` and ``down`` need a reason."""
        arguments = [f"nodename={name}", f"state={state}"]
        if reason is not None:
            arguments.append(f"reason={reason}")
        await self.scontrol("update", *arguments)

    async def requeue(self, job: str) -> None:
        """Let a job run again from its beginning."""
        await self.scontrol("requeue", job)

    async def take_back(self, job: str) -> None:
        """Let a job that has ended, or runs, wait again from its beginning, held."""
        await self.scontrol("requeuehold", job)

    def has(self, name: str) -> bool:
        """Tell whether this machine has one of Slurm's commands."""
        return shutil.which(name, path=self._settings.bin_directory or os.environ.get("PATH")) is not None

    async def scontrol(self, *arguments: str) -> str:
        """Run ``scontrol`` and return what it prints."""
        return await self._run("scontrol", *arguments)

    async def json(self, program: str, *arguments: str) -> dict[str, Any]:
        """Run a command that can answer in JSON, and return that."""
        text = await self._run(program, "--json", *arguments)
        try:
            content: Any = json.loads(text)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UnsupportedError(f"{program} of this Slurm does not answer in JSON")
        return cast("dict[str, Any]", content)

    async def _run(self, program: str, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            self._program(program),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(),
        )
        try:
            async with asyncio.timeout(_TIMEOUT):
                out, err = await process.communicate()
        except TimeoutError:
            raise UnavailableError(f"{program} did not answer within {_TIMEOUT:g} seconds") from None
        finally:
            if process.returncode is None:  # out of time, or nobody wants to know any more
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise _refusal(err.decode(errors="replace").strip() or out.decode(errors="replace").strip())
        return out.decode(errors="replace")

    def _program(self, name: str) -> str:
        path = shutil.which(name, path=self._settings.bin_directory or os.environ.get("PATH"))
        if path is None:
            raise UnsupportedError(f"needs Slurm's {name} on this machine")
        return path

    def _environment(self) -> dict[str, str]:
        # A token in the environment would make the commands use it in the place of munge.
        environment = {name: value for name, value in os.environ.items() if name != "SLURM_JWT"}
        if self._settings.slurm_conf is not None:
            environment["SLURM_CONF"] = self._settings.slurm_conf
        return environment


def _refusal(text: str) -> Exception:
    """Return the error that a message of a command stands for."""
    lowered = text.lower()
    if "accounting storage is disabled" in lowered or "unrecognized option" in lowered:
        return UnsupportedError(text)
    if "unable to contact" in lowered or "connect failure" in lowered or "zero bytes" in lowered:
        return UnavailableError(f"Slurm is not available: {text}")
    if "permission" in lowered or "not authorized" in lowered:
        return DeniedError(f"Slurm refused: {text}")
    if "reason" in lowered:
        return RequestError("reason", f"Slurm refused: {text}")
    return StateError(f"Slurm refused: {text}")
