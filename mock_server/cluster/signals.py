"""The signals that a job can be sent."""

from __future__ import annotations

from mock_server.cluster.backend import RequestError

TERM = 15
KILL = 9

NUMBERS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": KILL, "USR1": 10, "USR2": 12, "TERM": TERM, "CONT": 18, "STOP": 19}

KILL_SECONDS = 30.0
"""How long a script that catches a signal may still run (Slurm: ``KillWait``)."""


def number(text: str) -> int:
    """Return the number of a signal given by name, with or without ``SIG``, or by number; else ``RequestError``."""
    name = text.upper().removeprefix("SIG")
    if name in NUMBERS:
        return NUMBERS[name]
    if text.isdecimal() and len(text) <= 2 and int(text) in NUMBERS.values():
        return int(text)
    raise RequestError("signal", f"signal must be one of SIG{', SIG'.join(NUMBERS)}")
