"""Connections that break, are refused or fall silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.scripted import Json, Request, Reset, ScriptedServer, Step, Unanswered
from tests.support.sockets import Peer, Socket, sockets
from tests.support.tale import Tale, told
from vantage_sdk import (
    AuthenticationError,
    AuthorizationError,
    RateLimitError,
    ResourceNotFoundError,
    ServerError,
    StreamInterrupted,
    ValidationError,
    VantageAPIError,
    VantageConnectionError,
)
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


def vanish(peer: Peer) -> None:
    """End the connection without a goodbye."""


AGAIN = [1001, 1005, 1011, 1012, 1013, 1014, 3008, 4000, None]


@pytest.mark.parametrize("code", [*AGAIN, "vanish", "reset"])
async def test_a_connection_that_ends_before_its_time_is_made_anew(face: Face, code: Any, pauses: list[float]) -> None:
    end = {"vanish": vanish, "reset": Peer.reset}.get(code, lambda peer: peer.close(code if code != 1005 else None))
    tale = Tale(end, end)
    assert await told(face, sockets(tale.talk)) == [1, 2, 3]
    assert [greeting.get("after") for greeting in tale.greetings] == [None, 1, 2]
    assert 1 <= len(pauses) <= 2
    assert all(pause <= 8 for pause in pauses)


async def test_an_orderly_end_is_the_end(face: Face) -> None:
    tale = Tale(1000, 1000)
    assert await told(face, sockets(tale.talk)) == [1]
    assert len(tale.greetings) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1008, AuthorizationError),
        (3003, AuthorizationError),
        (3000, AuthenticationError),
        (1002, StreamInterrupted),
        (1003, StreamInterrupted),
        (1007, StreamInterrupted),
        (1009, StreamInterrupted),
    ],
)
async def test_what_the_server_holds_against_us_is_an_error(face: Face, code: int, kind: type[Exception]) -> None:
    seen: list[Any] = []
    tale = Tale(lambda peer: peer.close(code, "too many\x1b[31m subscriptions"))
    with ScriptedServer(sockets(tale.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs") as updates:
                with pytest.raises(kind, match=f"{code}: too many subscriptions") as caught:
                    async for item in updates:
                        seen.append(item.sequence)
                assert updates.ended
                with pytest.raises(StopAsyncIteration):
                    await anext(updates)
    assert seen == [1]
    assert isinstance(caught.value, VantageAPIError)
    assert len(tale.greetings) == 1


async def test_it_says_so_once_when_it_must_not_reconnect(face: Face) -> None:
    tale = Tale(1001)
    with ScriptedServer(sockets(tale.talk)) as server:
        async with face.s9s(server.url) as client:
            async with client.events.subscribe("jobs", reconnect=False) as updates:
                assert (await anext(updates)).sequence == 1
                with pytest.raises(StreamInterrupted, match="1001"):
                    await anext(updates)
                assert updates.ended


async def test_it_is_tried_for_ever(face: Face, pauses: list[float]) -> None:
    """Every kind of trouble that passes, many times over: more than any number of retries."""
    troubles: list[Any] = [Reset(), Unanswered(), Json(503, {}), Json(502, {}), Json(500, {}), Json(429, {})] * 5
    tale = Tale(1001)

    def script(request: Request, connection: int) -> Step:
        if tale.greetings and troubles:
            return troubles.pop()
        return Socket(request, tale.talk)

    assert await told(face, script, max_retries=0) == [1, 2]
    assert troubles == []
    assert len(pauses) >= 30
    assert max(pauses) <= 8


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Json(401, {"error": {"code": "AUTHENTICATION_FAILED", "message": "who?"}}), AuthenticationError),
        (Json(403, {"error": {"code": "PERMISSION_DENIED", "message": "no"}}), AuthorizationError),
        (Json(404, {"error": {"code": "RESOURCE_NOT_FOUND", "message": "no socket"}}), ResourceNotFoundError),
        (Json(400, {"error": {"code": "INVALID_REQUEST", "message": "bad"}}), ValidationError),
        (Json(503, {"error": {"code": "SERVICE_UNAVAILABLE", "message": "later"}}), ServerError),
        (Json(429, {"error": {"code": "RATE_LIMIT_EXCEEDED", "message": "slow"}}), RateLimitError),
        (Reset(), VantageConnectionError),
        (Json(200, {"jobs": []}), VantageAPIError),
    ],
)
@pytest.mark.parametrize("late", [False, True], ids=["at first", "later"])
async def test_a_refusal_is_the_error_that_it_is_for_any_call(
    face: Face, answer: Step, kind: type[VantageAPIError], late: bool
) -> None:
    tale = Tale(1001)
    passing = (Reset, ServerError, RateLimitError)
    if late and (isinstance(answer, passing) or issubclass(kind, passing)):
        return  # tried for ever

    def script(request: Request, connection: int) -> Step:
        return Socket(request, tale.talk) if late and not tale.greetings else answer

    with ScriptedServer(script) as server:
        async with face.s9s(server.url) as client:
            updates = client.events.subscribe("jobs", max_retries=1)
            if late:
                assert (await anext(updates)).sequence == 1
            with pytest.raises(kind) as caught:
                async with updates:
                    await anext(updates)
            assert updates.ended
    assert type(caught.value) is kind
    body = getattr(answer, "body", None) or {}
    if "error" in body:
        assert (caught.value.code, caught.value.message) == (body["error"]["code"], body["error"]["message"])


async def test_retry_after_is_waited_for(face: Face, pauses: list[float]) -> None:
    tale = Tale(1001)
    refusal = Json(429, {}, {"Retry-After": "7"})
    answers: list[Any] = [refusal, None, refusal, None]

    def script(request: Request, connection: int) -> Step:
        return answers.pop(0) or Socket(request, tale.talk)

    assert await told(face, script) == [1, 2]
    assert len([pause for pause in pauses if pause >= 6.9]) == 2


async def test_an_error_object_is_an_error(face: Face) -> None:
    error = {"code": "VALIDATION_ERROR", "message": "no such filter", "details": {"field": "x"}, "request_id": "req_1"}

    def talk(peer: Peer) -> None:
        peer.receive()
        peer.send({"error": error})
        peer.ended()

    with ScriptedServer(sockets(talk)) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ValidationError, match="no such filter") as caught:
                async with client.events.subscribe("jobs", {"x": 1}):
                    pass
    assert (caught.value.code, caught.value.details) == ("VALIDATION_ERROR", {"field": "x"})
    assert (caught.value.request_id, caught.value.status_code) == ("req_1", None)


async def test_an_error_object_of_a_passing_trouble_is_a_broken_connection(face: Face) -> None:
    def trouble(code: str) -> Any:
        return lambda peer: (peer.send({"error": {"code": code, "message": "m"}}), peer.ended())

    tale = Tale(trouble("SERVICE_UNAVAILABLE"), trouble("RATE_LIMIT_EXCEEDED"), trouble("SLURM_ERROR"))
    assert await told(face, sockets(tale.talk)) == [1, 2, 3, 4]


@pytest.mark.parametrize("trouble", ["answer", "object", "goodbye"])
async def test_a_token_that_is_over_is_replaced_by_the_next(face: Face, trouble: str) -> None:
    tokens = iter(["first", "second", "third"])
    tale = Tale(
        {
            "answer": 1001,
            "object": lambda peer: (peer.send({"error": {"code": "AUTHENTICATION_FAILED"}}), peer.ended()),
            "goodbye": 3000,
        }[trouble]
    )

    def script(request: Request, connection: int) -> Step:
        good = "first" if not tale.greetings else "second"
        if trouble == "answer" and request.header("authorization") != f"Bearer {good}":
            return Json(401, {"error": {"code": "AUTHENTICATION_FAILED"}})
        return Socket(request, tale.talk)

    with ScriptedServer(script) as server:
        async with face.s9s(server.url, token=lambda: next(tokens)) as client:
            async with client.events.subscribe("jobs") as updates:
                assert [item.sequence async for item in updates] == [1, 2]
        assert server.requests[-1].header("authorization") == "Bearer second"


async def test_a_token_that_is_never_accepted_is_an_error(face: Face) -> None:
    tale = Tale(*[lambda peer: (peer.send({"error": {"code": "AUTHENTICATION_FAILED"}}), peer.ended())] * 9)
    with pytest.raises(AuthenticationError):
        with ScriptedServer(sockets(tale.talk)) as server:
            async with face.s9s(server.url, token=lambda: "same") as client:
                async for _ in client.events.subscribe("jobs"):
                    pass
    assert len(tale.greetings) == 2


def test_pauses_grow_and_are_random(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    tale = Tale()

    def script(request: Request, connection: int) -> Step:
        if len(tale.greetings) == 1 and len(pauses) < 6:
            return Json(503, {})
        return Socket(request, tale.talk)

    tale.ends = [1013, 1000]
    face = Face("blocking")

    async def body() -> None:
        assert await told(face, script) == [1, 2]

    face.run(body)
    assert [round(pause) for pause in pauses] == [4, 8, 8, 8, 8, 8]
