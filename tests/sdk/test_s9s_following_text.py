"""What a job of S9S writes, of a server that answers with text where it should switch to WebSocket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.faces import Face
from tests.support.output import LINES, TEXT, Output, follow, job
from tests.support.scripted import Chunked, CutAt, Json, Reply, Request, ScriptedServer, Step, UntilClose
from tests.support.sockets import Socket
from vantage_sdk import StreamInterrupted, VantageAPIError
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


class Plain:
    """Answers 200 with text; ``first`` is how the first answer is cut."""

    def __init__(self, first: Step | None = None, state: str = "COMPLETED") -> None:
        self.first, self.state, self.asked = first, state, 0

    def __call__(self, request: Request, connection: int) -> Step:
        if request.path == "/v1/jobs/7":
            return job(self.state)
        self.asked += 1
        if self.first is not None and self.asked == 1:
            return self.first
        return WHOLE


WHOLE = Chunked([TEXT[:9], TEXT[9:]], headers={"Content-Type": "text/plain; charset=utf-8"})


async def test_a_server_that_does_not_switch_is_read_as_text(face: Face) -> None:
    plain = Plain()
    with ScriptedServer(plain) as server:
        assert await follow(face, server.url) == LINES
    assert plain.asked == 2, "the first end was not announced, so it is looked at once more"


@pytest.mark.parametrize("at", [60, 130, 150, 165])
async def test_text_that_is_cut_is_read_again_and_what_came_is_left_out(face: Face, at: int) -> None:
    with ScriptedServer(Plain(CutAt(at, WHOLE))) as server:
        assert await follow(face, server.url) == LINES


async def test_text_without_framing_ends_with_the_connection(face: Face) -> None:
    reply = Reply(200, TEXT, {"Content-Type": "text/plain"})
    with ScriptedServer(Plain(UntilClose(reply))) as server:
        assert await follow(face, server.url) == LINES


async def test_text_after_numbered_lines_is_not_guessed_at(face: Face) -> None:
    output = Output()

    def script(request: Request, connection: int) -> Step:
        return Socket(request, output.some(2)) if connection == 0 else WHOLE

    with ScriptedServer(script) as server:
        with pytest.raises(StreamInterrupted, match="numbers its lines no more"):
            await follow(face, server.url)


async def test_an_answer_that_is_no_log_is_an_error(face: Face) -> None:
    with ScriptedServer([Json(200, {"lines": ["a"]})]) as server:
        with pytest.raises(VantageAPIError, match="application/json that cannot be followed"):
            await follow(face, server.url)
