"""Slurm's own commands, for what its REST interface lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from mock_server.cluster.backend import UnavailableError, UnsupportedError
from mock_server.cluster.slurm.programs import MAX_LIST, MAX_TEXT, Programs
from mock_server.cluster.slurm.refusals import refusal

if TYPE_CHECKING:
    from mock_server.cluster.slurm.programs import Output
    from mock_server.cluster.slurm.settings import SlurmSettings

_TIMEOUT = 20.0


class Commands:
    """Runs them with the rights of the server's own account."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._programs = Programs(settings)

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
        return self._programs.find(name) is not None

    async def scontrol(self, *arguments: str) -> str:
        """Run ``scontrol`` and return what it prints."""
        return (await self._run("scontrol", *arguments)).text

    async def json(self, program: str, *arguments: str) -> dict[str, Any]:
        """Run a command that can answer in JSON, and return that."""
        output = await self._run(program, "--json", *arguments, limit=MAX_LIST)
        try:
            content: Any = json.loads(output.out)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise UnsupportedError(f"{program} of this Slurm does not answer in JSON")
        return cast("dict[str, Any]", content)

    async def _run(self, program: str, *arguments: str, limit: int = MAX_TEXT) -> Output:
        output = await self._programs.run(program, *arguments, timeout=_TIMEOUT, limit=limit)
        if output.code != 0:
            raise refusal(output.complaint)
        return output
