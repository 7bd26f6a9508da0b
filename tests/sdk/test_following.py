"""A followed log is received whole and once, however often the connection breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.answers import fault, one
from tests.support.faces import Face
from tests.support.messages import sse_event
from tests.support.scripted import Chunked, Close, CutAt, Json, Reply, Reset, ScriptedServer, Sse, Step, UntilClose
from vantage_sdk import DeadlineExceeded, ResourceNotFoundError, StreamInterrupted
from vantage_sdk.testing import instant_retries

LINES = ["first line", "", "ünï cödé ☃", "data: not a field", "  indented", "last"]
END = {"event": "end", "data": "completed"}


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


def numbered(lines: list[str], after: int = 0) -> list[dict[str, str]]:
    return [{"id": str(n), "data": line} for n, line in enumerate(lines, 1) if n > after]


def is_log(request: Any) -> bool:
    return "/logs" in request.target


def resuming(first: Callable[[], Step], lines: list[str] = LINES) -> Any:
    """A server whose first stream is ``first``; later ones go on after Last-Event-ID, to the end."""
    streams = 0

    def script(request: Any, connection: int) -> Step:
        nonlocal streams
        if not is_log(request):
            return one(status="running")
        streams += 1
        if streams == 1:
            return first()
        return Sse([*numbered(lines, int(request.header("last-event-id") or 0)), END])

    return script


async def follow(face: Face, url: str, **options: Any) -> list[str]:
    async with face.client(url) as client:
        return [line async for line in client.jobs.logs_stream("job-1", **options)]


async def test_lines_come_as_they_are(face: Face) -> None:
    with ScriptedServer([Sse([*numbered(LINES), END])]) as server:
        assert await follow(face, server.url) == LINES
    assert "follow=true" in server.requests[0].target
    assert server.requests[0].header("accept") == "text/event-stream"


WHOLE = Sse([*numbered(LINES), END])


@pytest.mark.parametrize("cut", range(1, len(WHOLE.encode("GET"))))
def test_a_stream_cut_at_any_byte_is_received_whole_and_once_blocking(cut: int) -> None:
    face = Face("blocking")

    async def body() -> None:
        with ScriptedServer(resuming(lambda: CutAt(cut, WHOLE))) as server:
            assert await follow(face, server.url) == LINES

    face.run(body)


@pytest.mark.parametrize("cut", range(1, len(WHOLE.encode("GET")), 7))
async def test_a_stream_cut_at_many_bytes_is_received_whole_and_once(face: Face, cut: int) -> None:
    with ScriptedServer(resuming(lambda: CutAt(cut, WHOLE))) as server:
        assert await follow(face, server.url) == LINES


async def test_a_stream_that_breaks_after_every_line_still_arrives(face: Face) -> None:
    lines = [f"line {n}" for n in range(30)]

    def script(request: Any, connection: int) -> Step:
        if not is_log(request):
            return one(status="running")
        after = int(request.header("last-event-id") or 0)
        events: list[Any] = numbered(lines, after)[:1] or [END]
        return (
            Sse(events, final=after >= len(lines)) if after >= len(lines) else CutAt(10_000, Sse(events, final=False))
        )

    with ScriptedServer(script) as server:
        assert await follow(face, server.url) == lines
    assert len(server.requests) > 30


async def test_what_a_server_repeats_is_left_out(face: Face) -> None:
    streams = iter([CutAt(250, WHOLE), WHOLE])
    with ScriptedServer(lambda request, connection: next(streams)) as server:
        assert await follow(face, server.url) == LINES
    assert server.requests[1].header("last-event-id")


async def test_tail_is_not_asked_for_again_when_a_stream_goes_on(face: Face) -> None:
    with ScriptedServer(resuming(lambda: CutAt(250, WHOLE))) as server:
        await follow(face, server.url, tail=100, since="2024-01-01T00:00:00Z")
    assert "tail=100" in server.requests[0].target
    assert "tail" not in server.requests[-1].target
    assert "since=2024" in server.requests[-1].target


async def test_without_ids_the_log_is_read_again_and_the_delivered_part_skipped(face: Face) -> None:
    plain = Sse([*LINES, END])
    streams = iter([CutAt(len(plain.encode("GET")) // 2, plain), plain])
    with ScriptedServer(lambda request, connection: next(streams)) as server:
        assert await follow(face, server.url) == LINES
    assert server.requests[1].header("last-event-id") is None


@pytest.mark.parametrize(
    "second", [Sse(["other", *LINES[1:], END]), Sse([LINES[0]], final=True)], ids=["changed", "shorter"]
)
async def test_without_ids_a_log_that_changed_is_an_error_not_a_guess(face: Face, second: Step) -> None:
    first = CutAt(10_000, Sse(LINES[:2], final=False))
    streams = iter([first, second])
    with ScriptedServer(lambda request, connection: next(streams)) as server:
        async with face.client(server.url) as client:
            got = []
            with pytest.raises(StreamInterrupted, match="not the same|shorter"):
                async for line in client.jobs.logs_stream("job-1"):
                    got.append(line)
    assert got == LINES[:2]


async def test_without_ids_a_tail_cannot_be_resumed(face: Face) -> None:
    with ScriptedServer([CutAt(10_000, Sse(LINES[:2], final=False))]) as server:
        with pytest.raises(StreamInterrupted, match="cannot be resumed"):
            await follow(face, server.url, tail=2)


async def test_a_plain_text_stream_is_followed_too(face: Face) -> None:
    def script(request: Any, connection: int) -> Step:
        if not is_log(request):
            return one(status="completed")
        return Reply(200, "\n".join(LINES).encode(), {"Content-Type": "text/plain"})

    with ScriptedServer(script) as server:
        assert await follow(face, server.url) == LINES


async def test_a_stream_without_an_end_ends_when_the_job_has(face: Face) -> None:
    streams = iter([Sse(numbered(LINES[:3])), Sse(numbered(LINES[3:], 0)), Sse([])])

    def script(request: Any, connection: int) -> Step:
        if not is_log(request):
            return one(status="completed")
        after = int(request.header("last-event-id") or 0)
        return Sse(numbered(LINES, after)[:3] if after < 6 else [])

    del streams
    with ScriptedServer(script) as server:
        assert await follow(face, server.url) == LINES


async def test_a_stream_that_always_ends_early_while_the_job_goes_on_is_an_error(face: Face) -> None:
    with ScriptedServer(lambda r, c: Sse([]) if is_log(r) else one(status="running")) as server:
        with pytest.raises(StreamInterrupted, match="ends the stream although the job goes on"):
            await follow(face, server.url)
    assert len(server.requests) < 20


@pytest.mark.parametrize("broken", [Reset(), Close(), fault(503), fault(500)], ids=repr)
async def test_a_server_that_stays_broken_is_an_error_after_all_retries(face: Face, broken: Step) -> None:
    with ScriptedServer(lambda request, connection: broken) as server:
        with pytest.raises(StreamInterrupted, match="broke after 0 lines") as caught:
            await follow(face, server.url, max_retries=1)
    assert caught.value.__cause__ is not None
    assert len(server.requests) <= 8


async def test_a_definite_refusal_is_raised_as_it_is(face: Face) -> None:
    with ScriptedServer([fault(404, "resource_not_found")]) as server, pytest.raises(ResourceNotFoundError):
        await follow(face, server.url)


async def test_closing_early_frees_the_connection(face: Face) -> None:
    endless = Sse(numbered(LINES), final=False)
    with ScriptedServer([[endless], one()]) as server:
        async with face.client(server.url, max_connections=1) as client:
            async with client.jobs.logs_stream("job-1") as lines:
                assert await anext(aiter(lines)) == LINES[0]
            assert (await client.jobs.get("job-1")).id == "job-1"


async def test_silence_longer_than_the_timeout_is_a_broken_stream(face: Face) -> None:
    import threading

    from tests.support.scripted import Wait

    quiet = threading.Event()

    def script(request: Any, connection: int) -> Any:
        if not is_log(request):
            return one(status="running")
        if request.header("last-event-id"):
            return Sse([*numbered(LINES, 1), END])
        return [Sse(numbered(LINES)[:1], final=False), Wait(quiet), Close()]

    with ScriptedServer(script) as server:
        try:
            assert await follow(face, server.url, timeout=0.2) == LINES
        finally:
            quiet.set()


async def test_a_deadline_ends_a_followed_log(face: Face) -> None:
    with ScriptedServer(
        lambda r, c: (
            UntilClose(Reply(200, sse_event("x") * 3, {"Content-Type": "text/event-stream"})) if is_log(r) else one()
        )
    ) as server:
        async with face.client(server.url) as client:
            with pytest.raises((DeadlineExceeded, StreamInterrupted)):
                [line async for line in client.jobs.logs_stream("job-1", deadline=0.5)]


async def test_a_job_of_the_server_is_followed_live_over_faults(face: Face) -> None:
    with MockServer(clock="auto", world="empty") as server:
        server.faults.set(["GET /v1/jobs/*/logs: cut=20, reset-after, 503, cut=90, ok*"])
        async with face.client(server.url) as client:
            made = await client.jobs.submit(
                {"name": "n", "command": "; ".join(f"echo line {n}; sleep 1" for n in range(8))}
            )
            assert [line async for line in client.jobs.logs_stream(made.id)] == [f"line {n}" for n in range(8)]
            assert (await client.jobs.get(made.id)).status == "completed"


async def test_options_reach_the_server(face: Face) -> None:
    with MockServer(clock="auto", world="empty") as server:
        async with face.client(server.url) as client:
            made = await client.jobs.submit({"name": "n", "command": "echo a; sleep 1; echo b; sleep 1; echo c"})
            assert [line async for line in client.jobs.logs_stream(made.id)] == ["a", "b", "c"]
            assert [line async for line in client.jobs.logs_stream(made.id, tail=2)] == ["b", "c"]
            stamped = [line async for line in client.jobs.logs_stream(made.id, timestamps=True)]
            assert [line.split(" ", 1)[1] for line in stamped] == ["a", "b", "c"]
            logs = await client.jobs.logs(made.id)
            assert (str(logs), logs.lines, logs.total_lines) == ("a\nb\nc", ["a", "b", "c"], 3)
            assert (await client.jobs.logs(made.id, tail=1)).lines == ["c"]


async def test_logs_come_as_text_too(face: Face) -> None:
    with ScriptedServer([Reply(200, b"a\nb\n", {"Content-Type": "text/plain"}), Json(200, {"job_id": "x"})]) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.logs("job-1")).lines == ["a", "b"]
            with pytest.raises(Exception, match="no list under 'lines'"):
                await client.jobs.logs("job-1")


def test_chunking_of_the_whole_stream_changes_nothing() -> None:
    face = Face("blocking")
    raw = b"".join(sse_event(event) for event in [*numbered(LINES), END])

    async def body() -> None:
        for size in (1, 2, 3, 5, 64):
            pieces = [raw[n : n + size] for n in range(0, len(raw), size)]
            with ScriptedServer([Chunked(pieces, headers={"Content-Type": "text/event-stream"})]) as server:
                assert await follow(face, server.url) == LINES

    face.run(body)
