"""The tokens that slurmrestd wants to see."""

from __future__ import annotations

import base64
import json
import math
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

    def renews(self, account: str, refused: str) -> bool:
        """Forget a token that was refused; whether the next one may be another."""
        if self._made.pop(account, None) is not None:
            return True
        return self._settings.token_file is not None and self._given() != refused

    def _given(self) -> str | None:
        if self._settings.token is not None:
            return self._settings.token
        path = self._settings.token_file
        if path is None:
            return os.environ.get("SLURM_JWT") or None
        try:
            # Every time, so that whoever renews the file need not tell the server.
            with open(path, encoding="ascii") as file:
                token = file.read(_MAX_TOKEN).strip().removeprefix("SLURM_JWT=")
        except (OSError, UnicodeDecodeError) as error:
            raise UnavailableError(f"The file with Slurm's token cannot be read: {type(error).__name__}") from None
        if not token or not token.isprintable():
            raise UnavailableError("The file with Slurm's token holds none")
        return token


def expires_at(token: str) -> float:
    """Return when a token expires, as seconds since the epoch; never, if it does not say."""
    try:
        payload = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
    except (IndexError, KeyError, TypeError, ValueError):
        return math.inf
    return float(said) if isinstance(said, int | float) else math.inf
