"""Readers of sockets, by a client of another make."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Generator

    from mock_server import MockServer

TOKEN = {"Authorization": "Bearer YOUR_TOKEN"}
PATIENCE = 10.0


class Peer:
    """A connected reader."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def next(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self.connection.recv(timeout=PATIENCE))
        return message

    def ask(self, **message: Any) -> dict[str, Any]:
        """Say something and return the message that follows."""
        self.say(**message)
        return self.next()

    def subscribe(self, channel: str, **options: Any) -> dict[str, Any]:
        """Subscribe and return the acknowledgement."""
        answer = self.ask(action="subscribe", channel=channel, **options)
        assert answer["action"] == "subscribed", answer
        return answer

    def all_so_far(self) -> list[dict[str, Any]]:
        """Return the messages that have come; what is said here is answered after them."""
        self.say(action="?")
        found = list[dict[str, Any]]()
        while "error" not in (message := self.next()):
            found.append(message)
        return found

    def rest(self) -> list[dict[str, Any]]:
        """Return the messages up to the end of the connection."""
        found = list[dict[str, Any]]()
        with suppress(ConnectionClosed):
            while True:
                found.append(self.next())
        return found


@contextmanager
def peer(server: MockServer, path: str = "/v1/ws", **options: Any) -> Generator[Peer]:
    """Connect to a path of S9S, with a token unless there are other headers."""
    options.setdefault("additional_headers", TOKEN)
    url = server.s9s_url.replace("http", "ws", 1) + path
    options.setdefault("close_timeout", PATIENCE)
    with connect(url, open_timeout=PATIENCE, **options) as connection:
        yield Peer(connection)


def submit(server: MockServer, script: str = "sleep 5", **job: Any) -> str:
    """Submit a job and return its id."""
    answer = httpx.post(f"{server.s9s_url}/v1/jobs", json={"script": script, "nodes": 1, **job}, headers=TOKEN)
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id
