"""The key shows up nowhere: not in text, logs, tracebacks with locals, nor pickles."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import CutAt, Json, Reply, Request, ScriptedServer, Step, Unanswered
from vantage_sdk import AsyncVantageClient, ConfigError, VantageAPIError, VantageClient

KEY = "vntg_canary-0123456789/abcdefghij+XYZ"
TELLING = KEY[12:]  # what a mask of the first characters does not show
JOB = Json(200, {"id": "job-1", "status": "running"})
TEMPLATE = {"name": "n", "command": "true"}
CLIENTS = [VantageClient, AsyncVantageClient]


def shows(text: str) -> bool:
    return TELLING in text or TELLING[:8] in text or TELLING[-8:] in text


def with_locals(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=True))


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "vantage_sdk", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield caplog


def reachable(start: Any) -> Iterator[Any]:
    """Walk what ``vars`` and containers lead to, as debuggers and serializers do."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        yield thing
        if isinstance(thing, dict):
            todo += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            todo += thing
        elif type(thing).__module__.startswith(("vantage_sdk", "httpcore", "h11", "httpx")):
            todo += getattr(thing, "__dict__", {}).values()
            fields = getattr(type(thing), "__dataclass_fields__", {})
            todo += [getattr(thing, name) for name in fields]


async def test_no_object_of_a_used_client_shows_the_key(face: Face) -> None:
    with ScriptedServer([JOB, Json(404, {"error": "not_found"})]) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            await client.jobs.get("job-1")
            with pytest.raises(VantageAPIError):
                await client.jobs.get("job-1")
            whole = client.blocking if face.is_blocking else client
            texts = [text for thing in reachable(whole) for text in (repr(thing), str(thing), f"{thing}")]
            assert len(texts) > 100
            assert not any(map(shows, texts))
            assert not shows(whole.config.explain())
    assert server.requests[0].header("authorization") == f"Bearer {KEY}"


ECHO = f"key {KEY} is unknown"
FAILURES: dict[str, Step] = {
    "no answer": Unanswered(),
    "cut": CutAt(70, JOB),
    "refused": Json(401, {"error": "unauthorized", "message": ECHO}),
    "details": Json(400, {"error": {"code": "bad", "message": "no", "details": {"received": f"Bearer {KEY}"}}}),
    "code": Json(400, {"error": {"code": KEY, "message": "no", "request_id": KEY}}),
    "header": Json(500, {"error": "no"}, {"X-Request-ID": KEY}),
    "text": Reply(500, ECHO.encode(), {"Content-Type": "text/plain"}),
    "text cut within the key": Reply(502, (b"x" * 180 + KEY.encode()), {"Content-Type": "text/plain"}),
    "no JSON": Reply(200, ECHO.encode(), {"Content-Type": "application/json"}),
    "strange type": Reply(200, b"<", {"Content-Type": f"text/{KEY}"}),
    "strange encoding": Reply(200, b"<", {"Content-Encoding": KEY}),
}


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES.keys())
async def test_a_failure_does_not_show_the_key(face: Face, reply: Step, logged: pytest.LogCaptureFixture) -> None:
    with ScriptedServer([reply]) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not shows(f"{error} {error!r} {vars(error)} {error.attempts}")
    assert not shows("".join(traceback.format_exception(error)))
    assert not shows(pickle.dumps(error).decode("latin-1"))
    assert not shows("\n".join(record.getMessage() for record in logged.records if record.name == "vantage_sdk"))


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES.keys())
async def test_the_frames_of_a_failure_do_not_hold_the_key(face: Face, reply: Step) -> None:
    with ScriptedServer([reply]) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    assert not shows(_own_frames(with_locals(caught.value)))


def _own_frames(text: str) -> str:
    """Leave out the frames of the test, whose locals hold what the scripted server says."""
    frames = text.split("  File ")
    return (
        "".join(frame for frame in frames if "vantage_sdk/" in frame.partition("\n")[0])
        + frames[-1].rpartition("\n")[2]
    )


@pytest.mark.parametrize("reply", [JOB, Unanswered(), Json(500, {"error": "no"})], ids=["result", "lost", "error"])
async def test_logs_of_all_layers_do_not_show_the_key(
    face: Face, reply: Step, logged: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(lambda request, connection: reply) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0, debug=True) as client:
            try:
                await client.jobs.submit(TEMPLATE)
            except VantageAPIError:
                logging.getLogger("program").exception("failed")
    assert len(logged.records) > 5
    assert not shows(logged.text)


async def test_a_refused_connection_does_not_show_the_key(face: Face) -> None:
    with ScriptedServer([]) as server:
        url = server.url
    async with face.client(url, api_key=KEY, max_retries=0) as client:
        with pytest.raises(VantageAPIError) as caught:
            await client.jobs.get("job-1")
    assert not shows(_own_frames(with_locals(caught.value)) + str(caught.value))


async def test_an_error_survives_a_pickle(face: Face) -> None:
    with ScriptedServer([Json(404, {"error": "not_found", "message": "none"}), JOB]) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
            job = await client.jobs.get("job-1")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), vars(copy)) == (type(caught.value), str(caught.value), vars(caught.value))
    assert pickle.loads(pickle.dumps(job)).to_dict() == job.to_dict()
    assert not shows(pickle.dumps(job).decode("latin-1"))


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("bad", ["\n", "\r\n", "\x00", "\t", "\x7f", "é", "\u200b"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(kind: type[Any], bad: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(KEY + bad + "more")
    error = caught.value
    assert not shows(f"{error} {error!r} {vars(error)}")
    assert not shows("".join(traceback.TracebackException.from_exception(error).format(chain=True)))
    assert error.__context__ is None


@pytest.mark.parametrize("kind", CLIENTS)
def test_white_space_around_a_key_is_left_out_with_a_warning(kind: type[Any]) -> None:
    with pytest.warns(UserWarning, match="white space") as warned:
        client = kind(f" {KEY}\n")
    assert client.config.api_key.reveal() == KEY
    assert not shows(str(warned[0].message))


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_with_a_given_key_is_not_pickled(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(kind(KEY))


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_with_the_key_of_the_environment_is_pickled_without_it(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", KEY)
    data = pickle.dumps(kind(base_url="https://one.example", timeout=5))
    assert not shows(data.decode("latin-1"))
    monkeypatch.setenv("VANTAGE_API_KEY", "another-key")
    copy = pickle.loads(data)
    assert (copy.config.api_key.reveal(), copy.config.timeout) == ("another-key", 5)


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_of_a_profile_never_comes_back_with_the_key_of_another(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "vantage" / "config.toml"
    file.parent.mkdir()
    file.write_text(
        f'[default]\napi_key = "production"\n[staging]\napi_key = "{KEY}"\nbase_url = "https://staging.example"\n'
    )
    file.chmod(0o600)
    client = kind(profile="staging")
    try:
        data = pickle.dumps(client)
    except TypeError:
        return
    assert not shows(data.decode("latin-1"))
    assert pickle.loads(data).config.api_key.reveal() == KEY


async def test_a_streamed_error_does_not_show_the_key(face: Face) -> None:
    def script(request: Request, connection: int) -> Step:
        return Json(403, {"error": "forbidden", "message": str(request.header("authorization"))})

    with ScriptedServer(script) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                _ = [line async for line in client.jobs.logs_stream("job-1")]
    assert not shows(_own_frames(with_locals(caught.value)) + str(caught.value))
