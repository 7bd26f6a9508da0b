"""Logs of the job service: a followed one is received whole and once, with numbered lines and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.messages import sse_event
from tests.support.scripted import Chunked, CutAt, Json, Reply, Request, ScriptedServer, Sse, Step
from vantage_sdk import Logs, StreamInterrupted, VantageConnectionError
from vantage_sdk.core.log_position import RECENT, Position
from vantage_sdk.jobservice.job_logs import ALL
from vantage_sdk.testing import instant_retries

END = {"event": "end", "data": "{}"}
JOB = Json(200, {"id": "job-1", "status": "running"})
STAMP = "2024-01-15T10:00:05Z"


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


def text(lines: list[str]) -> Reply:
    return Reply(200, "".join(f"{line}\n" for line in lines).encode(), {"Content-Type": "text/plain"})


class Service:
    """A server with a log of ``lines``; streams break after so many bytes of their body as ``cuts`` say, one after the other."""

    def __init__(self, lines: list[str], *cuts: int, numbered: bool = False) -> None:
        self.lines = lines
        self.there = len(lines)
        self.cuts = [*cuts]
        self.numbered = numbered
        self.resumed: list[str | None] = []

    def __call__(self, request: Request, _: int) -> Step:
        path, _, query = request.target.partition("?")
        if not path.endswith("/logs"):
            return JOB
        asked = dict(part.split("=") for part in query.split("&") if part)
        tail = int(asked.get("tail", 100))
        if asked.get("follow") != "true":
            return text(self.lines[max(0, self.there - tail) : self.there])
        last = request.header("last-event-id")
        self.resumed.append(last)
        first = int(last) if self.numbered and last else max(0, self.there - tail)
        events: list[Any] = [
            {"id": str(number), "data": line} if self.numbered else {"data": line}
            for number, line in enumerate(self.lines[first:], first + 1)
        ]
        self.there = len(self.lines)
        whole = Sse([*events, END])
        head = len(whole.encode("GET").partition(b"\r\n\r\n")[0]) + 4
        return CutAt(head + self.cuts.pop(0), whole) if self.cuts else whole


def stamped(count: int, word: str = "line") -> list[str]:
    return [f"{STAMP} {word} {number}" for number in range(count)]


async def follow(face: Face, script: Any, **options: Any) -> list[str]:
    with ScriptedServer(script) as server:
        async with face.job_service(server.url) as client:
            return [line async for line in client.jobs.logs_stream("job-1", **options)]


async def test_a_log_is_text_with_lines(face: Face) -> None:
    lines = [f"{STAMP} a\u2028b\x0bc", "", "last"]
    forms = (
        text(lines),
        Reply(200, "\r\n".join(lines).encode(), {"Content-Type": "text/plain; charset=utf-8"}),
        Sse([*({"data": line} for line in lines), END]),
        Json(200, {"lines": lines}),
    )
    for form in forms:
        with ScriptedServer([form]) as server:
            async with face.job_service(server.url) as client:
                log = await client.jobs.logs("job-1", tail=3)
        assert isinstance(log, Logs)
        assert log.lines == lines
        assert log == "\n".join(lines)
    with ScriptedServer([text([])]) as server:
        async with face.job_service(server.url) as client:
            assert (await client.jobs.logs("job-1")).lines == []


async def test_lines_come_as_they_are_until_the_end(face: Face) -> None:
    lines = ["first", "", "  indented", "ünï ☃", "data: no field", "event: end"]
    body = b": keep-alive\n\n".join(sse_event({"data": line}) for line in lines) + b": ping\n\n"
    body += sse_event({"event": "end", "data": "done"}) + sse_event({"data": "after the end"})
    reply = Reply(200, body, {"Content-Type": "text/event-stream; charset=utf-8"})
    assert await follow(face, [reply]) == lines
    assert (
        await follow(face, [Chunked([body[at : at + 3] for at in range(0, len(body), 3)], headers=reply.headers)])
        == lines
    )


@pytest.mark.parametrize("cut", [0, 1, 7, 60, 200, 333, 500])
async def test_numbered_lines_go_on_after_the_last_one(face: Face, cut: int) -> None:
    lines = stamped(20)
    service = Service(lines, cut, 1, numbered=True)
    assert await follow(face, service) == lines
    assert len(service.resumed) == 3


async def test_more_lines_than_a_tail_may_have_come_while_the_connection_was_gone(face: Face) -> None:
    """The default of the server would cut off the beginning again, so the resumed request asks for all."""
    service = Service(stamped(250), 60, numbered=True)
    service.there = 2
    with ScriptedServer(service) as server:
        async with face.job_service(server.url) as client:
            assert [line async for line in client.jobs.logs_stream("job-1")] == stamped(250)
    assert "tail" not in server.requests[0].target
    assert f"tail={ALL}" in server.requests[1].target
    assert server.requests[1].header("last-event-id") == "1"


@pytest.mark.parametrize("cut", [60, 100, 200, 333])
@pytest.mark.parametrize("before", [0, 50, 130])
async def test_without_numbers_the_received_lines_are_found_again(face: Face, cut: int, before: int) -> None:
    lines = stamped(before, "old") + stamped(20)
    service = Service(lines, cut, cut + 40, cut)
    service.there = before + 5
    wanted = lines[max(0, before + 5 - 100) :]
    assert await follow(face, service) == wanted


async def test_how_the_place_is_found_can_be_seen(face: Face) -> None:
    service = Service(stamped(200), 60)
    with ScriptedServer(service) as server:
        async with face.job_service(server.url) as client:
            lines = [line async for line in client.jobs.logs_stream("job-1", tail=10, timestamps=True)]
    assert lines == stamped(200)[-10:]
    assert [request.target.partition("?")[2] for request in server.requests] == [
        "follow=true&tail=10&timestamps=true",
        f"tail={ALL}&timestamps=true",
        f"follow=true&timestamps=true&tail={ALL}",
    ]


async def test_a_connection_that_breaks_before_the_first_line_begins_anew(face: Face) -> None:
    service = Service(stamped(5), 0, 0)
    assert await follow(face, service, tail=3) == stamped(5)[-3:]


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (["other"] * 20, "not there any more"),
        (stamped(3), "not there any more"),
        ([], "not there any more"),
        (stamped(20) * 2, "there more than once"),
    ],
)
async def test_where_the_place_is_in_doubt_nothing_is_guessed(face: Face, log: list[str], says: str) -> None:
    service = Service(stamped(20), 300)

    def script(request: Request, number: int) -> Step:
        return service(request, number) if "follow=true" in request.target else text(log)

    received: list[str] = []
    with ScriptedServer(script) as server:
        async with face.job_service(server.url) as client:
            with pytest.raises(StreamInterrupted, match=says):
                async for line in client.jobs.logs_stream("job-1"):
                    received.append(line)
    assert received == stamped(20)[: len(received)]


async def test_equal_lines_are_told_apart_by_what_is_around_them(face: Face) -> None:
    lines = ["start", *["."] * 8, "middle", *["."] * 8, "stop"]
    service = Service(lines, 200)
    assert await follow(face, service, tail=19) == lines


async def test_a_server_that_stays_broken_is_an_error_in_the_end(face: Face) -> None:
    def script(request: Request, _: int) -> Step:
        if "follow=true" in request.target:
            return CutAt(200, Sse([{"data": line} for line in stamped(20)]))
        return CutAt(10, text([]))

    with pytest.raises(VantageConnectionError):
        await follow(face, script, max_retries=1)


async def test_a_stream_without_an_end_ends_when_the_job_has(face: Face) -> None:
    stream = Sse([{"id": "1", "data": "one"}])
    script = [stream, Json(200, {"id": "job-1", "status": "succeeded"}), Sse([])]
    assert await follow(face, script) == ["one"]


@pytest.mark.parametrize("tail", [-1, 1.5, "all", True])
async def test_a_tail_is_a_number_of_lines(face: Face, tail: Any) -> None:
    async with face.job_service("http://127.0.0.1:9") as client:
        with pytest.raises((TypeError, ValueError), match="tail (is a number from 0|takes a whole number)"):
            await client.jobs.logs("job-1", tail=tail)
        with pytest.raises((TypeError, ValueError), match="tail (is a number from 0|takes a whole number)"):
            _ = [line async for line in client.jobs.logs_stream("job-1", tail=tail)]


async def test_a_log_that_was_received_from_its_start_goes_on_however_long_it_has_become(face: Face) -> None:
    service = Service(stamped(150), 300, 400)
    service.there = 5
    assert await follow(face, service) == stamped(150)


def test_lines_that_are_too_many_to_remember_count_as_well() -> None:
    end = [f"end {number}" for number in range(RECENT)]
    position = Position(from_start=False)
    for line in ["second", *end]:
        position.advance(None, line)
    position.find(["first", *end, "second", *end, "more"])
    assert (position.lead, position.count) == (RECENT + 1, RECENT + 1)
    other = Position(from_start=False)
    for line in ["third", *end]:
        other.advance(None, line)
    with pytest.raises(StreamInterrupted, match="not there any more"):
        other.find(["first", *end, "second", *end, "more"])


def test_the_place_of_many_equal_lines_is_found_quickly() -> None:
    position = Position(from_start=False)
    for _ in range(2000):
        position.advance(None, ".")
    position.advance(None, "end")
    position.find(["."] * 20_000 + ["end", "more"])
    assert (position.lead, position.count) == (18_000, 2001)
