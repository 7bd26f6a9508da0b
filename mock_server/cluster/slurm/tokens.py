"""The tokens that slurmrestd wants to see."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from mock_server.cluster.backend import UnavailableError

if TYPE_CHECKING:
    from mock_server.cluster.slurm.commands import Commands
    from mock_server.cluster.slurm.settings import SlurmSettings

LIFESPAN = 3600
_MARGIN = 300.0
_MAX_TOKEN = 64 * 1024


class Tokens:
    """One token for all accounts where it was given, else one for each from ``scontrol token``, renewed in time."""

    def __init__(self, settings: SlurmSettings, commands: Commands) -> None:
        self._settings = settings
        self._commands = commands
        self._made: dict[str, tuple[str, float]] = {}

    async def get(self, account: str) -> str:
        """Return a token for an account."""
        given = self._given()
        if given is not None:
            return given
        token, renew_at = self._made.get(account, ("", 0.0))
        if time.monotonic() >= renew_at:
            token = await self._commands.token(account, LIFESPAN)
            self._made[account] = (token, time.monotonic() + LIFESPAN - _MARGIN)
        return token

    def renews(self, account: str) -> bool:
        """Forget a token that was refused; whether the next one may be another."""
        return self._made.pop(account, None) is not None or self._settings.token_file is not None

    def _given(self) -> str | None:
        if self._settings.token is not None:
            return self._settings.token
        path = self._settings.token_file
        if path is None:
            return os.environ.get("SLURM_JWT") or None
        try:
            # Every time, so that whoever renews the file need not tell the server.
            with open(path, encoding="ascii") as file:
                return file.read(_MAX_TOKEN).strip().removeprefix("SLURM_JWT=")
        except (OSError, UnicodeDecodeError) as error:
            raise UnavailableError(f"The token of Slurm in {path} cannot be read: {type(error).__name__}") from None
