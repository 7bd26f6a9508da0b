"""A server of live events whose connections end as a test says, and what a client makes of it."""

from __future__ import annotations

from typing import Any

from tests.support.faces import Face
from tests.support.hub import update
from tests.support.scripted import ScriptedServer
from tests.support.sockets import Peer
from vantage_sdk import Resynced


def numbered(number: int) -> dict[str, Any]:
    return update(number, sequence=number, previous=number - 1)


class Tale:
    """A server that goes on with the updates where ``after`` says, and ends its connections as it is told."""

    def __init__(self, *ends: Any) -> None:
        self.ends = [*ends]
        self.greetings: list[Any] = []

    def talk(self, peer: Peer) -> None:
        greeting = peer.receive()
        self.greetings.append(greeting)
        after = greeting.get("after", 0)
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": after}, numbered(after + 1))
        end = self.ends.pop(0) if self.ends else 1000
        if callable(end):
            end(peer)
        else:
            peer.close(end)


async def told(face: Face, script: Any, channel: Any = "jobs", **options: Any) -> list[Any]:
    with ScriptedServer(script) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe(channel, **options) as updates:
                return [item.sequence if not isinstance(item, Resynced) else item async for item in updates]
