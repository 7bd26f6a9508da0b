"""A server of what a job of S9S writes, and what a client makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.faces import Face
from tests.support.scripted import Json, Request, Step
from tests.support.sockets import Peer, Socket, is_socket

LINES = ["first", "", "ünï ☃", '{"json": 1}', "last"]
TEXT = "".join(f"{line}\n" for line in LINES).encode()


def line(number: int | None, text: str, channel: str = "output") -> dict[str, Any]:
    data = {"text": text} if number is None else {"line": number, "text": text}
    return {"channel": channel, "action": "line", "resource_id": "7", "data": data}


END = {"channel": "output", "action": "end", "resource_id": "7"}


def job(state: str = "RUNNING") -> Json:
    return Json(200, {"job_id": "7", "state": state})


class Output:
    """Serves ``LINES`` over WebSocket from ``after`` on; ``talks`` are what the first connections do instead."""

    def __init__(self, *talks: Callable[[Peer], Any], resumes: bool = True, numbers: bool = True) -> None:
        self.talks = [*talks]
        self.afters: list[str | None] = []
        self.state = "RUNNING"
        self._resumes, self._numbers = resumes, numbers

    def __call__(self, request: Request, connection: int) -> Step:
        if request.path == "/v1/jobs/7":
            return job(self.state)
        assert request.path in ("/v1/jobs/7/output", "/v1/jobs/7/error")
        assert request.query["follow"] == "true"
        assert is_socket(request)
        self.afters.append(request.query.get("after"))
        return Socket(request, self.talks.pop(0) if self.talks else self.whole)

    def whole(self, peer: Peer) -> None:
        peer.send(*self.frames(peer), END)
        peer.close(1000)

    def frames(self, peer: Peer) -> list[Any]:
        after = int(peer.request.query.get("after", 0)) if self._resumes else 0
        numbered = [*enumerate(LINES, 1)]
        return [line(number if self._numbers else None, text) for number, text in numbered if number > after]

    def some(self, count: int, code: int | None = None) -> Callable[[Peer], None]:
        def talk(peer: Peer) -> None:
            peer.send(*self.frames(peer)[:count])
            if code is not None:
                peer.close(code)

        return talk


async def follow(face: Face, url: str, *args: Any, **options: Any) -> list[str]:
    async with face.s9s(url) as client:
        return [text async for text in client.jobs.follow(7, *args, **options)]
