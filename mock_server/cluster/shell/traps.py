"""``trap``: what a script does when it gets a signal, or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.signals import KILL, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT = 0


class Signalled(BaseException):  # like GeneratorExit: no program is to take it for an error of its own
    """The running command was ended by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Traps:
    """The handlers of a script, by signal; those of the scripts that run it lie below."""

    def __init__(self) -> None:
        self._frames: list[dict[int, str]] = []

    def enter(self) -> None:
        """Begin a script, which starts without handlers."""
        self._frames.append({})

    def leave(self) -> None:
        self._frames.pop()

    def own(self, number: int) -> str | None:
        """Return the handler that the innermost script has for a signal."""
        return self._frames[-1].get(number)

    def take(self, number: int) -> str | None:
        """Return the innermost script's handler and forget it."""
        return self._frames[-1].pop(number, None)

    def handler(self, number: int) -> str | None:
        """Return what any of the scripts does about a signal: the innermost that cares; an empty text ignores it."""
        return next((frame[number] for frame in reversed(self._frames) if number in frame), None)

    def set(self, arguments: Sequence[str]) -> str | None:
        """Do what ``trap`` with these arguments does, and return what is wrong with them."""
        if len(arguments) < 2:
            return "trap: usage: trap action condition ..."
        action, *names = arguments
        for name in names:
            number = _number(name)
            if number is None or number == KILL:
                return f"trap: {name}: bad trap"
            if action == "-":
                self._frames[-1].pop(number, None)
            else:
                self._frames[-1][number] = action
        return None


def _number(name: str) -> int | None:
    if name.upper() in {"EXIT", "0"}:
        return EXIT
    if name.isdecimal() and len(name) <= 2:
        return int(name) if int(name) in NUMBERS.values() else None
    return NUMBERS.get(name.upper().removeprefix("SIG"))
