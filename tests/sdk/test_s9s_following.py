"""What a job of S9S writes is received whole and once, over WebSocket and as text, however often the connection breaks."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cutting import Cutter
from tests.support.effort import effort
from tests.support.faces import Face
from tests.support.output import END, LINES, Output, follow, line
from tests.support.scripted import Json, ScriptedServer
from tests.support.sockets import Peer
from vantage_sdk import (
    AuthorizationError,
    DeadlineExceeded,
    ResourceNotFoundError,
    ServerError,
    StreamInterrupted,
)
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


async def test_lines_come_as_they_are(face: Face) -> None:
    with ScriptedServer(Output()) as server:
        assert await follow(face, server.url) == LINES
        assert await follow(face, server.url, "error") == LINES
    assert [request.target for request in server.requests] == [
        "/v1/jobs/7/output?follow=true",
        "/v1/jobs/7/error?follow=true",
    ]


@pytest.mark.parametrize("numbers", [True, False], ids=["numbered", "not numbered"])
@pytest.mark.parametrize("resumes", [True, False], ids=["resumes", "begins anew"])
async def test_output_cut_at_many_bytes_is_received_whole_and_once(face: Face, resumes: bool, numbers: bool) -> None:
    output = Output()
    with (
        ScriptedServer(lambda request, connection: output(request, connection)) as server,  # noqa: PLW0108  bound anew
        Cutter(server.url) as cutter,
    ):
        output = Output(resumes=resumes, numbers=numbers)
        assert await follow(face, cutter.url) == LINES
        size = len(cutter.passed["down"])
        for at in range(3, size, effort(13, 5) if face.is_blocking else effort(31, 17)):
            output = Output(resumes=resumes, numbers=numbers)
            cutter.cut("down", at)
            assert await follow(face, cutter.url) == LINES, at


async def test_it_goes_on_after_the_last_line(face: Face) -> None:
    output = Output()
    output.talks = [output.some(2), output.some(1, 1001), output.some(0, 1011)]
    with ScriptedServer(output) as server:
        assert await follow(face, server.url) == LINES
    assert output.afters == [None, "2", "3", "3"]


async def test_a_connection_that_breaks_after_every_line_still_brings_all(face: Face) -> None:
    output = Output()
    output.talks = [output.some(1)] * len(LINES)
    with ScriptedServer(output) as server:
        assert await follow(face, server.url, max_retries=0) == LINES


async def test_a_hole_is_no_line_that_may_be_left_out(face: Face) -> None:
    """A server that leaves out a line is asked again from there."""
    output = Output()
    output.talks = [lambda peer: (peer.send(line(1, LINES[0]), line(3, LINES[2])), peer.ended())]
    with ScriptedServer(output) as server:
        assert await follow(face, server.url) == LINES
    assert output.afters == [None, "1"]


async def test_a_hole_that_stays_is_an_error(face: Face) -> None:
    def holed(peer: Peer) -> None:
        peer.send(line(1, "a"), line(3, "c"), END)
        peer.close(1000)

    found: list[str] = []
    with ScriptedServer(Output(*[holed] * 9)) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(StreamInterrupted, match="line 3 came where line 2 was due"):
                async for text in client.jobs.follow("7"):
                    found.append(text)
    assert found == ["a"]


async def test_an_end_that_was_not_announced_is_checked(face: Face) -> None:
    output = Output()
    output.talks = [output.some(2, 1000), output.some(1, 1000)]
    with ScriptedServer(output) as server:
        assert await follow(face, server.url) == LINES
        ended = Output()
        ended.state, ended.talks = "COMPLETED", [ended.some(2, 1000), ended.some(3, 1000)]
    with ScriptedServer(ended) as server:
        assert await follow(face, server.url) == LINES
    assert ended.afters == [None, "2"]


async def test_unknown_frames_are_passed_over(face: Face) -> None:
    def odd(peer: Peer) -> None:
        peer.send({"action": "hello"}, line(1, "a"), {"action": "line", "data": {"line": 2}}, line(2, "b"), [], END)

    with ScriptedServer(Output(odd)) as server:
        async with face.s9s(server.url) as client:
            lines = client.jobs.follow("7")
            assert [await anext(lines), await anext(lines)] == ["a", "b"]
            with pytest.raises(StreamInterrupted, match="no JSON object"):
                await anext(lines)


@pytest.mark.parametrize(
    ("talk", "kind", "message"),
    [
        (lambda peer: peer.close(1008, "no"), AuthorizationError, "1008: no"),
        (lambda peer: peer.text(b"\xff"), StreamInterrupted, "not UTF-8"),
        (lambda peer: peer.send({"error": {"code": "PERMISSION_DENIED", "message": "no"}}), AuthorizationError, "no"),
    ],
)
async def test_what_another_connection_would_not_mend_is_an_error(
    face: Face, talk: Any, kind: type[Exception], message: str
) -> None:
    output = Output()
    output.talks = [lambda peer: (output.some(2)(peer), talk(peer), peer.ended())]
    found: list[str] = []
    with ScriptedServer(output) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(kind, match=message):
                async for text in client.jobs.follow("7"):
                    found.append(text)
    assert found == LINES[:2]
    assert len(output.afters) == 1


async def test_a_server_that_is_in_trouble_for_too_long_is_an_error(face: Face) -> None:
    trouble = {"error": {"code": "SLURM_ERROR", "message": "no daemon"}}
    talks = [lambda peer: (peer.send(trouble), peer.ended())] * 9
    with ScriptedServer(Output(*talks)) as server:
        with pytest.raises(StreamInterrupted, match="no daemon") as caught:
            await follow(face, server.url, max_retries=2)
    assert isinstance(caught.value.__cause__, ServerError)


async def test_no_such_job_is_an_error(face: Face) -> None:
    with ScriptedServer([Json(404, {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Job 7 not found"}})]) as server:
        with pytest.raises(ResourceNotFoundError, match="Job 7 not found"):
            await follow(face, server.url)


async def test_a_deadline_ends_it(face: Face) -> None:
    output = Output()
    output.talks = [lambda peer: (output.some(2)(peer), peer.ended())]
    found: list[str] = []
    with ScriptedServer(output) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(DeadlineExceeded, match=r"deadline of 0\.3 s") as caught:
                async for text in client.jobs.follow("7", deadline=0.3):
                    found.append(text)
    assert found == LINES[:2]
    assert "client.jobs.follow('7', 'output')" in caught.value.__notes__[0]


async def test_leaving_early_says_goodbye(face: Face) -> None:
    left, ends = threading.Event(), list[Any]()
    output = Output()

    def talk(peer: Peer) -> None:
        output.some(5)(peer)
        ends.append(peer.ended())
        left.set()

    output.talks = [talk]
    with ScriptedServer(output) as server:
        async with face.s9s(server.url) as client:
            async with client.jobs.follow("7") as lines:
                assert await anext(lines) == "first"
            assert left.wait(60)
    assert ends == [(1000, "")]
    gc.collect()


@pytest.mark.parametrize(("arguments", "message"), [(("7", "both"), "stream is one of"), ((None,), "job_id takes")])
async def test_a_wrong_argument_is_refused(face: Face, arguments: Any, message: str) -> None:
    with ScriptedServer([]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises((TypeError, ValueError), match=message):
                async for _ in client.jobs.follow(*arguments):
                    pass
