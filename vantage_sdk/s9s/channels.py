"""How far a subscription to one channel has got, and whether anything is missing; without any socket.

Rule 1: the server numbers the updates of a channel, and tells with each the number of the one before that matched the filter.
An update is missing exactly if that one was not seen.
Rule 2: a new connection asks for what came after the last number.  Unless the acknowledgement promises it, by a number and
without ``resync``, there is a gap; so a server that does not number its updates leaves a gap at every new connection.
Rule 3: an update that a server repeats is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vantage_sdk.core.shapes import is_whole
from vantage_sdk.models.update import Update


@dataclass(frozen=True, slots=True)
class Gap:
    """Something is missing on a channel after ``since``; ``resumed`` is the number from which on nothing is."""

    channel: str
    since: int | None
    resumed: int | None
    reason: str


@dataclass(slots=True)
class Channel:
    """One channel of a subscription.

    ``seen``: nothing up to this number is missing; ``last``: the last update that came; ``taken``: how far the caller has got.
    ``stands``: it has begun, so that what is missed from now on is a gap; ``torn``: something is missing already.
    """

    name: str
    filter: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seen: int | None = None
    last: int | None = None
    taken: int | None = None
    stands: bool = False
    torn: bool = False
    acknowledged: bool = False

    @classmethod
    def after(cls, name: str, filters: Mapping[str, Any], number: int | None) -> Channel:
        """Return a channel of which everything up to ``number`` is known already."""
        return cls(name, filters, number, number, number, stands=number is not None)

    def greeting(self) -> str:
        """Return what subscribes to it on a new connection."""
        self.acknowledged = False
        wanted: dict[str, Any] = {"action": "subscribe", "channel": self.name}
        if self.filter:
            wanted["filter"] = dict(self.filter)
        if self.seen is not None and not self.torn:
            wanted["after"] = self.seen
        return json.dumps(wanted)

    def acknowledge(self, frame: Mapping[str, Any]) -> Gap | None:
        """Take in an acknowledgement or, which looks the same, a sign of life."""
        number, previous = _number(frame.get("sequence")), _number(frame.get("previous"))
        resync = frame.get("resync") is True
        if not self.acknowledged:
            return self._begun(number, resync=resync)
        if resync:
            return self._gap(number, "the server left out updates")
        if previous is not None and self.seen is not None and previous > self.seen:
            return self._gap(max(number or 0, previous), "the server left out updates")
        if number is not None:
            self.seen = max(number, self.seen or 0)
        return None

    def _begun(self, number: int | None, *, resync: bool) -> Gap | None:
        stood, self.stands, self.acknowledged = self.stands, True, True
        numbered = number is not None and self.seen is not None and number >= self.seen
        if stood and (resync or self.torn or not numbered):
            return self._gap(number, "the server cannot tell what happened while the connection was away")
        if self.seen is None:
            self.seen = self.taken = number
        return None

    def unacknowledged(self) -> Gap | None:
        """Go on with a server that does not acknowledge."""
        return None if self.acknowledged else self._begun(None, resync=False)

    def take(self, update: Update) -> list[Gap | Update]:
        """Return the update, with the gap before it if there is one, or nothing if it came before."""
        number, previous = _number(update.sequence), _number(update.previous)
        if number is not None and self.last is not None and number <= self.last:
            return []
        gap = self.unacknowledged() if number is None or (self.stands and previous is None) else None
        if previous is not None and self.seen is not None and previous > self.seen:
            gap = self._gap(previous, "the server left out updates")
        if number is not None:
            self.seen, self.last = max(number, self.seen or 0), number
            self.stands = self.acknowledged = True
        return [update] if gap is None else [gap, update]

    def delivered(self, number: int | None) -> None:
        """Note that the caller has got what carries ``number``."""
        if number is not None:
            self.taken = number

    def rewind(self, *, lost: bool) -> None:
        """Go back to what the caller has got; ``lost``: a gap it was not told of yet goes with the rest."""
        self.seen = self.last = self.taken
        self.torn = self.torn or lost

    def _gap(self, resumed: int | None, reason: str) -> Gap:
        gap = Gap(self.name, self.seen, resumed, reason)
        self.seen, self.last, self.torn = resumed, None, False
        return gap


def _number(value: Any) -> int | None:
    return value if is_whole(value, 0) else None
