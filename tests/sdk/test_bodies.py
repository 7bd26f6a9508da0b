"""Bodies that are too large, cut, damaged or of the wrong kind are errors, never half a result."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from dataclasses import replace

import pytest

from tests.support.faces import Face
from tests.support.scripted import (
    Bomb,
    Chunked,
    CutAt,
    Framed,
    Gzip,
    Json,
    Message,
    Reply,
    Request,
    ScriptedServer,
    Step,
    UntilClose,
    WrongLength,
)
from vantage_sdk import (
    ResourceNotFoundError,
    ServerError,
    SubmitOutcomeUnknown,
    VantageAPIError,
    VantageConnectionError,
    config,
)

JOB = Json(200, {"id": "job-1", "status": "running"})
LARGE = Json(200, {"id": "job-1", "name": "x" * 100_000})
LIMIT = 64 << 10
PLAIN = {"Content-Type": "text/plain"}


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = config.resolve
    monkeypatch.setattr("vantage_sdk.client.resolve", lambda **given: replace(usual(**given), max_response_bytes=LIMIT))


def encoded(body: bytes, encoding: str) -> Reply:
    return Reply(200, body, {"Content-Type": "application/json", "Content-Encoding": encoding})


async def failure(face: Face, *script: Step) -> VantageAPIError:
    with ScriptedServer(script) as server:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    return caught.value


@pytest.mark.parametrize(
    "reply",
    [LARGE, Chunked([LARGE.plain().body]), UntilClose(LARGE), Bomb(1 << 20), Gzip(LARGE)],
    ids=["announced", "chunked", "until close", "bomb", "gzip"],
)
@pytest.mark.usefixtures("small_limit")
async def test_an_answer_above_the_limit_is_refused(face: Face, reply: Step) -> None:
    error = await failure(face, reply)
    assert isinstance(error, VantageConnectionError)
    assert str(LIMIT) in error.message


@pytest.mark.parametrize(
    "reply",
    [replace(LARGE, status=500), Chunked([LARGE.plain().body], status=404), Bomb(1 << 20, status=500)],
    ids=["announced", "chunked", "bomb"],
)
@pytest.mark.usefixtures("small_limit")
async def test_the_body_of_an_error_has_a_limit_too(face: Face, reply: Step) -> None:
    assert str(LIMIT) in (await failure(face, reply)).message


@pytest.fixture(scope="module")
def bomb() -> Reply:
    return Bomb(200 << 20).plain()


@pytest.mark.parametrize("status", [200, 500])
async def test_a_bomb_takes_little_memory(face: Face, status: int, bomb: Reply) -> None:
    tracemalloc.start()
    try:
        error = await failure(face, replace(bomb, status=status))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, VantageConnectionError)
    assert peak < 160 << 20


async def test_the_error_of_a_followed_log_is_bounded(face: Face) -> None:
    with ScriptedServer([Reply(404, b"x" * (2 << 20), PLAIN)]) as server:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageAPIError):
                _ = [line async for line in client.jobs.logs_stream("job-1")]


@pytest.mark.parametrize("kept", [1, 10, 20, -9, -8, -1])
async def test_compressed_text_that_was_cut_is_no_answer(face: Face, kept: int) -> None:
    error = await failure(face, Gzip(JOB, truncate=kept))
    assert isinstance(error, VantageConnectionError)
    assert "cut" in error.message


@pytest.mark.parametrize(
    "reply",
    [
        encoded(b"\x1f\x8b\x08\x00" + b"\xff" * 40, "gzip"),
        encoded(gzip.compress(JOB.plain().body)[:-8] + b"\0" * 8, "gzip"),
        encoded(gzip.compress(b'{"id":') + gzip.compress(b'"job-1"}'), "gzip"),
        encoded(gzip.compress(gzip.compress(JOB.plain().body)), "gzip, gzip"),
        encoded(JOB.plain().body, "br"),
        encoded(JOB.plain().body, "gzip, identity, br"),
    ],
    ids=["damaged", "wrong checksum", "two members", "two layers", "not asked for", "a chain"],
)
async def test_what_cannot_be_decoded_surely_is_refused(face: Face, reply: Message) -> None:
    error = await failure(face, reply)
    assert isinstance(error, VantageConnectionError)


@pytest.mark.parametrize(
    "reply",
    [
        Gzip(JOB),
        encoded(gzip.compress(JOB.plain().body), "GZIP"),
        encoded(gzip.compress(JOB.plain().body), "x-gzip"),
        encoded(zlib.compress(JOB.plain().body), "deflate"),
        encoded(JOB.plain().body, "identity"),
        Chunked([JOB.plain().body[:3], JOB.plain().body[3:]]),
        UntilClose(JOB),
    ],
    ids=["gzip", "upper case", "x-gzip", "deflate", "identity", "chunked", "until close"],
)
async def test_every_usual_framing_is_understood(face: Face, reply: Step) -> None:
    with ScriptedServer([reply]) as server:
        async with face.client(server.url, max_retries=0) as client:
            assert (await client.jobs.get("job-1")).id == "job-1"


@pytest.mark.parametrize(
    "reply",
    [WrongLength(JOB, 5), CutAt(len(JOB.encode("GET")) - 1, JOB), Chunked([b'{"id":'], final=False)],
    ids=["longer than sent", "cut", "no last chunk"],
)
async def test_a_body_of_the_wrong_length_is_no_answer(face: Face, reply: Step) -> None:
    script = [[reply, *([] if reply.ends else [CutAt(0, JOB)])]]
    with ScriptedServer(script) as server:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageConnectionError):
                await client.jobs.get("job-1")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b'{"id": "job-1"', {"Content-Type": "application/json"}),
        Reply(200, b"<html>Log in first</html>", {"Content-Type": "text/html"}),
        Reply(200, b"", {"Content-Type": "application/json"}),
        Reply(200, b"[" * 100_000, {"Content-Type": "application/json"}),
        Json(200, [1, 2]),
        Json(200, "job-1"),
        Reply(204),
    ],
    ids=["half", "a page", "empty", "very deep", "a list", "text", "no content"],
)
async def test_an_answer_that_is_no_job_is_an_error(face: Face, reply: Framed) -> None:
    error = await failure(face, reply)
    assert (error.code, error.status_code) == ("invalid_response", reply.plain().status)


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("body", [b"", b"<html>gone</html>", b"[" * 100_000, b"\xff\xfe\x1b[2J"])
async def test_an_error_keeps_its_status_whatever_its_body(face: Face, status: int, body: bytes) -> None:
    error = await failure(face, Reply(status, body, PLAIN))
    assert type(error) is {404: ResourceNotFoundError, 500: ServerError}[status]
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("reply", [Reply(204), Reply(200), Reply(204, headers={"Content-Encoding": "gzip"})])
async def test_a_deletion_needs_no_body(face: Face, reply: Reply) -> None:
    with ScriptedServer([reply]) as server:
        async with face.client(server.url, max_retries=0) as client:
            assert await client.jobs.delete("job-1") is None


async def test_a_head_request_reads_no_body(face: Face) -> None:
    with ScriptedServer([Gzip(JOB)]) as server:
        async with face.client(server.url, max_retries=0) as client:
            assert (await client.request("HEAD", "/jobs/job-1")).status_code == 200


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "odd", [Reply(201, b"<html>", {"Content-Type": "text/html"}), Reply(201, b"x" * (LIMIT + 1))], ids=["page", "large"]
)
async def test_a_submission_whose_answer_cannot_be_read_is_looked_up(
    face: Face, small_limit: None, odd: Reply, known: bool
) -> None:
    def script(request: Request, connection: int) -> Step:
        if request.method == "POST":
            return odd
        key = server.requests[0].header("idempotency-key") if known else None
        return Json(200, {"jobs": [{"id": "job-1", "status": "pending", "idempotency_key": key}], "total": 1})

    with ScriptedServer(script) as server:
        async with face.client(server.url, max_retries=0) as client:
            if known:
                assert (await client.jobs.submit({"name": "n", "command": "true"})).id == "job-1"
            else:
                with pytest.raises(SubmitOutcomeUnknown) as caught:
                    await client.jobs.submit({"name": "n", "command": "true"})
                assert caught.value.idempotency_key == server.requests[0].header("idempotency-key")
    assert [request.method for request in server.requests] == ["POST", "GET"]
