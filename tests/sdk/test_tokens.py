"""Tokens from a function: asked for once, ahead of their end, and after a 401."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.tokens import Issuer, jwt
from vantage_sdk import (
    AuthenticationError,
    ConfigError,
    JobServiceClient,
)

OK = Json(200, {"shown": "yes"})


async def get(client: Any, **options: Any) -> Any:
    return (await client.request("GET", "/jobs/", **options)).data


def shown(server: ScriptedServer) -> list[str | None]:
    return [request.header("authorization") for request in server.requests]


async def test_a_function_is_asked_when_no_token_is_known_and_not_again(face: Face) -> None:
    issuer = Issuer()
    with ScriptedServer(issuer.answer) as server:
        async with face.job_service(server.url, token=issuer) as client:
            assert issuer.given == []
            assert [(await get(client))["shown"] for _ in range(3)] == issuer.given * 3
            assert (await get(client.with_options(timeout=5)))["shown"] == issuer.given[0]
    assert len(issuer.given) == 1


async def test_a_coroutine_function_is_awaited(face: Face) -> None:
    issuer = Issuer()
    if face.is_blocking:
        with pytest.raises(ConfigError, match="coroutine function is for the asynchronous client"):
            JobServiceClient(token=issuer.later, base_url="https://jobs.example")
        return
    with ScriptedServer(issuer.answer) as server:
        for source in (issuer.later, lambda: issuer.later()):  # noqa: PLW0108
            async with face.job_service(server.url, token=source) as client:
                assert (await get(client))["shown"] == issuer.given[-1]
    assert len(issuer.given) == 2


@pytest.mark.parametrize(("left", "asked"), [(29.0, 3), (-5.0, 1), (60.0, 1), (None, 1)])
async def test_the_next_token_is_asked_for_before_the_end_of_one(face: Face, left: float | None, asked: int) -> None:
    issuer = Issuer(left)
    with ScriptedServer(issuer.answer) as server:
        async with face.job_service(server.url, token=issuer) as client:
            seen = [(await get(client))["shown"] for _ in range(3)]
    assert len(issuer.given) == asked
    assert seen == (issuer.given if asked == 3 else issuer.given * 3)


async def test_a_token_that_is_no_jwt_is_used_until_it_is_refused(face: Face) -> None:
    given = iter(["opaque-1", "opaque-2"])
    with ScriptedServer([OK, OK, Json(401, {}), OK, OK]) as server:
        async with face.job_service(server.url, token=lambda: next(given)) as client:
            for _ in range(4):
                await get(client)
    assert shown(server) == [f"Bearer opaque-{number}" for number in (1, 1, 1, 2, 2)]


async def test_a_refused_token_is_replaced_once_within_the_call(face: Face) -> None:
    issuer = Issuer()
    with ScriptedServer(issuer.answer) as server:
        async with face.job_service(server.url, token=issuer, max_retries=0) as client:
            await get(client)
            issuer.revoke()
            answer = await client.request("POST", "/jobs/", json={"job_type": "t"})
    assert answer.data["shown"] == issuer.given[1]
    assert answer.attempts == ()
    refused, repeated = server.requests[-2:]
    assert refused.header("idempotency-key") == repeated.header("idempotency-key")
    assert refused.body == repeated.body


async def test_a_second_refusal_is_an_error(face: Face) -> None:
    issuer = Issuer()
    with ScriptedServer(lambda request, _: Json(401, {"error": {"code": "UNAUTHORIZED", "message": "no"}})) as server:
        async with face.job_service(server.url, token=issuer) as client:
            with pytest.raises(AuthenticationError) as caught:
                await get(client)
    assert shown(server) == [f"Bearer {token}" for token in issuer.given]
    assert len(issuer.given) == 2
    assert (caught.value.status_code, caught.value.code) == (401, "UNAUTHORIZED")
    assert len(caught.value.attempts) == 1


async def test_a_function_that_has_no_other_token_is_not_repeated(face: Face) -> None:
    asked = []
    with ScriptedServer([Json(401, {})]) as server:
        async with face.job_service(server.url, token=lambda: asked.append(1) or "always-the-same") as client:
            with pytest.raises(AuthenticationError):
                await get(client)
    assert len(asked) == 2
    assert len(server.requests) == 1


async def test_a_fixed_token_that_is_refused_is_refused(face: Face) -> None:
    with ScriptedServer([Json(401, {})]) as server:
        async with face.job_service(server.url, token="fixed") as client:
            with pytest.raises(AuthenticationError):
                await get(client)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (lambda: None, "returned NoneType, not text"),
        (lambda: b"bytes", "returned bytes, not text"),
        (lambda: "  ", "returned no text"),
        (lambda: "a\nb", "returned text with a line break"),
        (lambda: "schlüssel", "returned text with a character that is not ASCII"),
    ],
)
async def test_what_is_no_token_is_an_error_that_says_so(face: Face, source: Any, says: str) -> None:
    async with face.job_service("http://127.0.0.1:9", token=source) as client:
        with pytest.raises(AuthenticationError, match=says) as caught:
            await get(client)
    assert "schl" not in str(caught.value)


async def test_a_function_that_uses_its_own_client_is_told_so(face: Face) -> None:
    made: list[Any] = []

    def blocking() -> str:
        return str(made[0].blocking.request("GET", "/token").data)

    async def awaiting() -> str:
        return str((await made[0].request("GET", "/token")).data)

    async with face.job_service("http://127.0.0.1:9", token=blocking if face.is_blocking else awaiting) as client:
        made.append(client)
        with pytest.raises(AuthenticationError, match="raised AuthenticationError") as caught:
            await get(client)
    assert "makes calls of the client that it is for" in str(caught.value.__cause__)


async def test_a_failed_renewal_is_put_up_with_while_the_token_is_good(
    face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[Any] = [jwt(20), OSError("vault is down"), "fresh"]

    def source() -> str:
        found = given.pop(0)
        if isinstance(found, Exception):
            raise found
        return str(found)

    token = str(given[0])
    with ScriptedServer(lambda request, _: OK) as server:
        async with face.job_service(server.url, token=source) as client:
            for _ in range(3):
                await get(client)
    assert shown(server) == [f"Bearer {token}"] * 3
    assert given == ["fresh"]  # not asked again before half of the time that was left is over
    assert "used on: no token: the function given as token= raised OSError" in caplog.text


async def test_a_stream_gets_a_new_token_as_well(face: Face) -> None:
    issuer = Issuer()

    def script(request: Request, connection: int) -> Step:
        return issuer.answer(request, connection)

    with ScriptedServer(script) as server:
        async with face.job_service(server.url, token=issuer) as client:
            await get(client)
            issuer.revoke()
            inner = client.blocking if face.is_blocking else client
            from vantage_sdk.core.request import Request as Spec
            from vantage_sdk.models.base import nothing

            incoming = await inner._sender.open(Spec("GET", "/jobs/", nothing), {})
            assert incoming.status == 200
            await incoming.aclose()
    assert len(issuer.given) == 2
