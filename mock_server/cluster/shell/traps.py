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
    """The handlers of the scripts that run inside one another, by how deep each is; made by the first ``trap``."""

    def __init__(self) -> None:
        self._frames: dict[int, dict[int, str]] = {}

    def leave(self, depth: int) -> str | None:
        """Forget the handlers of a script that is over, and return the one for its end."""
        return self._frames.pop(depth, {}).get(EXIT)

    def own(self, depth: int, number: int) -> str | None:
        """Return the handler that one script has for a signal."""
        return self._frames.get(depth, {}).get(number)

    def handler(self, number: int) -> str | None:
        """Return what any of the scripts does about a signal: the innermost that cares; an empty text ignores it."""
        frames = [self._frames[depth] for depth in sorted(self._frames, reverse=True)]
        return next((frame[number] for frame in frames if number in frame), None)

    def set(self, depth: int, arguments: Sequence[str]) -> str | None:
        """Do what ``trap`` with these arguments does, and return what is wrong with them."""
        if len(arguments) < 2:
            return "trap: usage: trap action condition ..."
        frame = self._frames.setdefault(depth, {})
        action, *names = arguments
        for name in names:
            number = _number(name)
            if number is None or number == KILL:
                return f"trap: {name}: bad trap"
            if action == "-":
                frame.pop(number, None)
            else:
                frame[number] = action
        return None


def _number(name: str) -> int | None:
    if name.upper() in {"EXIT", "0"}:
        return EXIT
    if name.isdecimal() and len(name) <= 2:
        return int(name) if int(name) in NUMBERS.values() else None
    return NUMBERS.get(name.upper().removeprefix("SIG"))
