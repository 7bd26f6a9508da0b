"""Client secrets and the tokens they get show up nowhere: not in text, logs, tracebacks with locals, nor pickles."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from typing import Any

import pytest

from tests.sdk.test_canary import _own_frames, reachable, with_locals
from tests.support.faces import Face
from tests.support.scripted import Json, Reply, Request, ScriptedServer, Step
from vantage_sdk import VantageAPIError
from vantage_sdk.testing import instant_retries

SECRET = "canary-secret-0123456789/abcdefghij+XYZ"
TOKEN = "canary-token-9876543210/zyxwvutsrq+CBA"
LATER = "canary-later-5555555555/mnopqrstuv+MNO"
KEY = "canary-apikey-4444444444/ghijklmnop+GHI"
WHO = {"client_id": "me", "client_secret": SECRET}
SETTINGS: dict[str, dict[str, Any]] = {
    "grant": WHO,
    "function": {"token": lambda: TOKEN},
    "header": {"api_key": KEY},
}


def shows(text: str) -> bool:
    return any(
        part in text for secret in (SECRET, TOKEN, LATER, KEY) for part in (secret[12:], secret[15:25], secret[-10:])
    )


def echo(request: Request) -> str:
    """Return all that a request told, as careless servers repeat it."""
    return json.dumps([request.headers, request.body.decode(errors="replace")])


def careless(status: int, tokens: list[str], at: str) -> Any:
    """Play a server that gives ``tokens`` and repeats everything in its errors, at requests for a token or at others."""

    def script(request: Request, _: int) -> Step:
        is_grant = request.target.endswith("/oauth/token")
        if is_grant and (at == "call" or len(tokens) > 1):
            return Json(200, {"access_token": tokens.pop(0), "expires_in": 3600})
        said = echo(request)
        if is_grant == (at == "grant"):
            body = {"error": {"code": said, "message": said, "details": {"received": said}, "request_id": said}}
            return Json(status, body)
        return Json(401, {"error": {"message": said}})

    return script


CASES = [(name, at, status) for name in SETTINGS for at in ("call", "grant") for status in (400, 401, 500)]
CASES = [case for case in CASES if case[1] == "call" or case[0] == "grant"]


@pytest.mark.parametrize(("name", "at", "status"), CASES)
async def test_what_a_server_repeats_is_cleaned(
    face: Face, name: str, at: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedServer(careless(status, [TOKEN, LATER], at)) as server:
        async with face.s9s(server.url, max_retries=0, debug=True, **SETTINGS[name]) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.request("GET", "/jobs")
            whole = client.blocking if face.is_blocking else client
            texts = [text for thing in reachable(whole) for text in (repr(thing), str(thing), f"{thing}")]
            assert not any(map(shows, texts))
            assert not shows(whole.config.explain())
    error = caught.value
    assert len(error.message) > 20
    assert not shows(f"{error} {error!r} {vars(error)} {error.attempts}")
    assert not shows("".join(traceback.format_exception(error)))
    assert not shows(_own_frames(with_locals(error)))
    assert not shows(pickle.dumps(error).decode("latin-1"))
    assert not shows(caplog.text)
    assert any(shows(echo(request)) for request in server.requests), "the secrets were never sent"


async def test_the_token_before_is_hidden_as_well(face: Face) -> None:
    """A server may repeat a token that was replaced since."""
    answers = [
        Json(200, {"access_token": TOKEN}),
        Json(401, {}),
        Json(200, {"access_token": LATER}),
        Json(403, {"error": {"message": f"{TOKEN} was replaced by {LATER}"}}),
    ]
    with ScriptedServer(answers) as server:
        async with face.s9s(server.url, **WHO) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.request("GET", "/jobs")
    assert "was replaced by" in str(caught.value)
    assert not shows(str(caught.value))


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, f'{{"access_token": "{TOKEN}"'.encode()),
        Json(200, {"access_token": TOKEN + "\n"}),
        Json(200, {"access_token": TOKEN, "token_type": TOKEN}),
        Json(200, {"access_token": [TOKEN]}),
    ],
)
async def test_an_unusable_token_is_not_quoted(face: Face, answer: Step) -> None:
    with ScriptedServer([answer]) as server:
        async with face.s9s(server.url, **WHO) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.request("GET", "/jobs")
    assert not shows(str(caught.value) + _own_frames(with_locals(caught.value)))


async def test_what_a_function_says_when_it_fails_is_not_quoted(face: Face) -> None:
    def source() -> str:
        raise ValueError(f"cannot unwrap {TOKEN}")

    async with face.job_service("http://127.0.0.1:9", token=source) as client:
        with pytest.raises(VantageAPIError) as caught:
            await client.request("GET", "/jobs/")
    assert not shows(f"{caught.value} {caught.value!r} {vars(caught.value)}")


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
async def test_no_secret_goes_to_another_origin(face: Face, settings: dict[str, Any]) -> None:
    with ScriptedServer(lambda request, _: Json(200, {})) as elsewhere:

        def script(request: Request, _: int) -> Step:
            if request.target.endswith("/oauth/token"):
                return Json(200, {"access_token": TOKEN})
            return Reply(302, b"", {"Location": f"{elsewhere.url}/v1/jobs"})

        with ScriptedServer(script) as server, instant_retries():
            async with face.s9s(server.url, **settings) as client:
                with pytest.raises(VantageAPIError, match="is not followed"):
                    await client.request("GET", "/jobs")
    assert elsewhere.requests == []
