"""How far a followed log was delivered, and how to find that place again."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence

from vantage_sdk.exceptions import StreamInterrupted

SIZE = 16  # bytes of a digest
RECENT = 1000  # of the delivered lines, to be looked for


class Position:
    """How far the log was delivered: the last event id, the number of lines, and their digest.

    ``lead``: lines of the log before the first delivered one that the digest includes, ``None`` while that is not known.
    """

    def __init__(self, *, from_start: bool) -> None:
        self.last_id: str | None = None
        self.count = 0
        self.lead: int | None = 0 if from_start else None
        self._digest = _Digest()
        self._recent: deque[bytes] = deque(maxlen=RECENT)

    def advance(self, event_id: str | None, line: str) -> None:
        self.last_id = event_id or self.last_id
        self.count += 1
        if self.last_id is None:
            self._digest.add(line)
            if self.lead is None:
                self._recent.append(_Digest(line).value)

    def find(self, log: Sequence[str]) -> None:
        """Learn where the delivered lines are in the whole log; raise ``StreamInterrupted`` unless there is one place."""
        needle, hay = b"".join(self._recent), b"".join(_Digest(line).value for line in log)
        ends: list[int] = []
        at = hay.find(needle)
        while at >= 0 and len(ends) < 2:
            end = (at + len(needle)) // SIZE
            if end >= self.count and self.digest == _Digest(*log[end - self.count : end]).value:
                ends.append(end)
            at = hay.find(needle, at + 1)
        if len(ends) != 1:
            what = "are there more than once" if ends else "are not there any more"
            raise StreamInterrupted(f"the {self.count} delivered lines {what} in the log after the connection broke")
        self.lead = ends[0] - self.count
        self._digest = _Digest(*log[: ends[0]])
        self._recent.clear()

    def advance_to(self, number: int, lines: int) -> None:
        self.last_id = str(number)
        self.count += lines

    @property
    def digest(self) -> bytes:
        return self._digest.value

    def is_followed_by(self, number: int) -> bool:
        """Tell whether the numbered event ``number`` is the next one, or the first at all."""
        if self.last_id is None:
            return self.count == 0
        return self.last_id.isdigit() and number == int(self.last_id) + 1

    def is_behind(self, event_id: str) -> bool:
        """Tell whether the numbered event ``event_id`` was delivered before, for servers that repeat some."""
        if self.last_id is None or not (event_id.isdigit() and self.last_id.isdigit()):
            return event_id == self.last_id
        return int(event_id) <= int(self.last_id)


class _Digest:
    """A digest of lines."""

    def __init__(self, *lines: str) -> None:
        self._hash = hashlib.blake2b(digest_size=SIZE)
        for line in lines:
            self.add(line)

    def add(self, line: str) -> None:
        self._hash.update(line.encode("utf-8", "surrogatepass") + b"\n")

    @property
    def value(self) -> bytes:
        return self._hash.digest()


class Replay:
    """The delivered lines that a server without ids sends again; they must be the very same."""

    def __init__(self, position: Position) -> None:
        self._expected = position.digest
        self._left = position.count + (position.lead or 0)
        self._digest = _Digest()

    def skips(self, line: str) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        self._digest.add(line)
        if self._left == 0 and self._digest.value != self._expected:
            raise StreamInterrupted("the log is not the same after the connection broke; some lines may be missing")
        return True

    @property
    def incomplete(self) -> bool:
        return self._left > 0
