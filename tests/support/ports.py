"""Ports in a row that no other process takes while this one uses them."""

from __future__ import annotations

import socket
from typing import Final

FIRST: Final = 20000
LAST: Final = 32000  # the system hands out those above it, to whoever asks for any
ROW: Final = 20


class Ports:
    """``count`` ports from ``first`` on; the last one of their row is held until ``close`` and says that they are taken.

    Rows begin where all processes look for them, so two of them cannot overlap; and that a process has died is seen by
    the system, whatever it died of.
    """

    def __init__(self, count: int) -> None:
        if not 0 < count < ROW:
            raise ValueError(f"a row has from 1 to {ROW - 1} ports, not {count}")
        for first in range(FIRST, LAST, ROW):
            held = _bound(first + ROW - 1)
            if held is None:
                continue
            if all(_free(port) for port in range(first, first + count)):
                self.first = first
                self._held = held
                return
            held.close()
        raise RuntimeError("there are no free ports in a row")

    def close(self) -> None:
        """Let others have them."""
        self._held.close()


def _bound(port: int) -> socket.socket | None:
    found = socket.socket()
    try:
        found.bind(("127.0.0.1", port))
        found.listen(1)
    except OSError:
        found.close()
        return None
    return found


def _free(port: int) -> bool:
    found = _bound(port)
    if found is not None:
        found.close()
    return found is not None
