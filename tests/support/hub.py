"""A server of live events that numbers its updates and sends what it has kept again; or one that can do neither."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from tests.support.scripted import Json, Request, Step
from tests.support.sockets import Peer, Socket, is_socket
from tests.support.wire import Gone
from vantage_sdk import Resynced, Update


def update(number: int, *, channel: str = "jobs", **fields: Any) -> dict[str, Any]:
    """Return an update that tells of job ``number``, in as few bytes as it takes."""
    return {
        "channel": channel,
        "action": "update",
        "resource_id": str(number),
        "data": {"job_id": str(number), "state": "X"},
        **fields,
    }


class Hub:
    """Publishes updates 1, 2, ... of the channel ``jobs``, of which ``matching`` are sent; then it says goodbye.

    It begins when ``begun`` is set, and goes on where the last connection broke.  ``kept``: so many updates are kept to be sent again, ``None`` for all;
    ``numbered``, ``acknowledges``: whether it follows what no document promises.  The list of jobs has one, whose id is the
    number of the last update.
    """

    def __init__(
        self, matching: Sequence[int], *, kept: int | None = None, numbered: bool = True, acknowledges: bool = True
    ) -> None:
        self.matching = [*matching]
        self.begun = threading.Event()
        self.published = 0
        self._newest: Peer | None = None
        self.greetings: list[dict[str, Any]] = []
        self.states = 0
        self._kept = kept
        self._numbered = numbered
        self._acknowledges = acknowledges

    def __call__(self, request: Request, connection: int) -> Step:
        if is_socket(request):
            return Socket(request, self.talk)
        assert request.path == "/v1/jobs"
        self.states += 1
        return Json(200, {"jobs": [{"job_id": str(self.published), "state": "X"}], "total": 1})

    def talk(self, peer: Peer) -> None:
        greeting = peer.receive()
        self.greetings.append(greeting)
        self._newest = peer
        after = greeting.get("after") if self._numbered else None
        forgotten = 0 if self._kept is None else max(0, self.published - self._kept)
        resync = after is not None and after < forgotten
        if self._acknowledges:
            peer.send(self._acknowledgement(resync))
        if after is not None and not resync:
            for number in [number for number in self.matching if after < number <= self.published]:
                peer.send(self._update(number))
        peer.wait(self.begun)
        while self.published < max(self.matching):
            if self._newest is not peer:
                raise Gone
            self.published += 1
            if self.published in self.matching:
                peer.send(self._update(self.published))
        peer.close(1000)

    def _acknowledgement(self, resync: bool) -> dict[str, Any]:
        frame: dict[str, Any] = {"action": "subscribed", "channel": "jobs"}
        if self._numbered:
            frame["sequence"] = self.published
        return frame | ({"resync": True} if resync else {})

    def _update(self, number: int) -> dict[str, Any]:
        if not self._numbered:
            return update(number)
        before = [other for other in self.matching if other < number]
        return update(number, sequence=number, previous=before[-1] if before else 0)


def complete_or_told(items: Sequence[Update | Resynced], expected: Sequence[int]) -> None:
    """Check that the updates came once and in order, and that before each hole in them there is a ``Resynced``."""
    left, told = [*expected], False
    for item in items:
        if isinstance(item, Resynced):
            told = True
            continue
        number = int(item.data.job_id)
        assert number in left, f"{number} came twice or too late in {items}"
        missing = left[: left.index(number)]
        assert told or not missing, f"{missing} are missing before {number}, and nobody said so"
        left, told = left[left.index(number) + 1 :], False
    assert told or not left, f"{left} are missing at the end, and nobody said so"


class Watcher:
    """Acknowledges, sends ``count`` updates, and notes how the client leaves."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.ends: list[Any] = []
        self.ready, self.go, self.left = threading.Event(), threading.Event(), threading.Event()

    def talk(self, peer: Peer) -> None:
        try:
            after = peer.receive().get("after", 0)
            peer.send({"action": "subscribed", "channel": "jobs", "sequence": after})
            for number in range(after + 1, self.count + 1):
                peer.send(update(number, sequence=number, previous=number - 1))
            self.ready.set()
            peer.ended()
        finally:
            self.ends.append(peer.closed)
            self.left.set()


def say(peer: Peer) -> None:
    """Send the next two updates, then wait for the client to leave."""
    after = peer.receive().get("after", 0)
    peer.send({"action": "subscribed", "channel": "jobs", "sequence": after})
    peer.send(*[update(number, sequence=number, previous=number - 1) for number in range(after + 1, after + 3)])
    peer.ended()
