"""Following a log: an event stream that ends with the job."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Protocol

from mock_server.errors import invalid_field
from mock_server.platform.job_views import view_line
from mock_server.routes import HeaderParameter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from starlette.requests import Request

    from mock_server.cluster.job import Job
    from mock_server.state import ServerState


class Shown(Protocol):
    """Which lines a follower gets, and how."""

    @property
    def since(self) -> float | None: ...
    @property
    def timestamps(self) -> bool: ...


KEEP_ALIVE = 15.0

LAST_EVENT_ID = HeaderParameter(
    "Last-Event-ID",
    "With follow: send only lines after this one.",
    {"type": "string", "pattern": "^[0-9]{1,12}$"},
)


def last_event_id(request: Request) -> int | None:
    """Return the number of the last line that the caller has, ``None`` for a caller who just begins."""
    text = request.headers.get("last-event-id")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise invalid_field("Last-Event-ID", "Must be the id of an event of this stream")
    return int(text)


async def follow_log(
    state: ServerState, job: Job, view: Shown, sent: int, word: Callable[[Job], str] = lambda job: job.state.value
) -> AsyncGenerator[bytes, None]:
    """Yield an event for each line after line ``sent``, then one that tells in a ``word`` how the job ended."""
    with state.time.watching():
        while not state.closed:
            state.time.catch_up()
            lines = job.log.after(sent)
            if lines:
                sent = lines[-1].number
                chosen = [line for line in lines if view.since is None or line.at > view.since]
                yield b"".join(_event(view_line(line, timestamps=view.timestamps), line.number) for line in chosen)
            elif job.state.is_terminal or job.id not in state.cluster.jobs:
                yield f"event: end\ndata: {word(job)}\n\n".encode()
                return
            elif state.time.automatic and state.time.jump():
                await asyncio.sleep(0)
            elif await state.time.wait(job.id, KEEP_ALIVE):
                continue
            else:
                yield b": keep-alive\n\n"


def _event(text: str, number: int) -> bytes:
    data = "".join(f"data: {part}\n" for part in re.split(r"\r\n|\r|\n", text))
    return f"id: {number}\n{data}\n".encode()
