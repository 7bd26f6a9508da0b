"""Channels: numbered updates, kept for a while, and who reads them.

An update is encoded once.  Each subscription that it matches adds the number of the update that it got before, so that a
reader knows that it has missed none: every message has ``sequence``, which counts all updates of the channel, and
``previous``, which is the ``sequence`` of the message before it, 0 for the first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import pydantic_core

from mock_server.wire import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

ChannelName = Literal["jobs", "nodes", "metrics", "alerts", "queue"]
Action = Literal["create", "update", "delete"]
Value = str | int | float | bool | None
Facts = dict[str, Any]

CHANNELS: tuple[ChannelName, ...] = get_args(ChannelName)
KEPT = 10_000

FIELDS: dict[ChannelName, frozenset[str]] = {
    "jobs": frozenset(
        {"job_id", "job_name", "user", "account", "partition", "state", "qos", "priority", "node_count", "nodes"}
    ),
    "nodes": frozenset({"node_name", "state", "partitions", "features"}),
    "metrics": frozenset({"scope"}),
    "alerts": frozenset({"type", "severity", "job_id", "node_name", "user", "partition", "queue"}),
    "queue": frozenset({"partition", "queue"}),
}
"""What a filter may ask for."""


class Filter:
    """What an update has to be equal in; nothing lets all pass."""

    def __init__(self, wanted: Mapping[str, Value]) -> None:
        self.items = tuple(sorted((key, _folded(key, value)) for key, value in wanted.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and repr(self.items) == repr(other.items)  # 1 and True are not the same

    def __hash__(self) -> int:
        return hash(self.items)

    def matches(self, update: Update) -> bool:
        """Tell whether the subject of an update was or is what is asked for."""
        return not self.items or any(all(_has(facts, *item) for item in self.items) for facts in update.facts)


@dataclass(slots=True, eq=False)
class Update:
    """One thing that happened; ``facts`` are what its subject is now and what it was before."""

    sequence: int
    head: bytes
    facts: tuple[Facts, ...]

    def text(self, previous: int) -> bytes:
        """Return the message for a reader that got ``previous`` before."""
        return b'%b,"previous":%d}' % (self.head, previous)


class Reader(Protocol):
    """Who reads a channel."""

    def push(self, update: Update) -> None: ...


class Channel:
    """One channel of one server."""

    def __init__(self, name: ChannelName, kept: int = KEPT) -> None:
        self.name = name
        self.sequence = 0
        self._updates: deque[Update] = deque(maxlen=kept)
        self._readers: dict[Filter, dict[Reader, None]] = {}

    @property
    def is_read(self) -> bool:
        return bool(self._readers)

    def publish(
        self, action: Action, resource_id: str, at: float, data: Mapping[str, Any], facts: tuple[Facts, ...]
    ) -> None:
        """Number an update, keep it and hand it to whom it matches."""
        self.sequence += 1
        message = {
            "channel": self.name,
            "action": action,
            "resource_id": resource_id,
            "timestamp": iso(at),
            "data": data,
            "sequence": self.sequence,
        }
        update = Update(self.sequence, pydantic_core.to_json(message)[:-1], facts)
        self._updates.append(update)
        for wanted, readers in tuple(self._readers.items()):
            if wanted.matches(update):
                for reader in tuple(readers):
                    reader.push(update)

    def join(self, reader: Reader, wanted: Filter) -> None:
        self._readers.setdefault(wanted, {})[reader] = None

    def leave(self, reader: Reader, wanted: Filter) -> None:
        readers = self._readers.get(wanted, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(wanted, None)

    def since(self, sequence: int, wanted: Filter) -> list[Update] | None:
        """Return the updates after ``sequence`` that match, ``None`` if some of them are not known any more."""
        oldest = self._updates[0].sequence if self._updates else self.sequence + 1
        if not oldest - 1 <= sequence <= self.sequence:
            return None
        return [update for update in self._updates if update.sequence > sequence and wanted.matches(update)]


def _folded(key: str, value: Value) -> Value:
    """Return a value as it is compared: ids may be sent as numbers, and states in any case."""
    if key == "state" and isinstance(value, str):
        return value.upper()
    return str(value) if key.endswith("_id") and isinstance(value, int) and not isinstance(value, bool) else value


def _has(facts: Facts, key: str, value: Value) -> bool:
    known = facts.get(key)
    if isinstance(known, list | tuple):
        return value in known
    return known == value and isinstance(known, bool) == isinstance(value, bool)
