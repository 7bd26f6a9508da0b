"""Tokens from a function: asked for once, ahead of their end, and after a 401."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from tests.support.crowd import crowd
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer, Step
from tests.support.tokens import Issuer, jwt
from vantage_sdk import (
    AsyncJobServiceClient,
    AuthenticationError,
    ConfigError,
    DeadlineExceeded,
    JobServiceClient,
    VantageTimeoutError,
)
from vantage_sdk.testing import instant_retries

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


@pytest.mark.parametrize(("left", "asked"), [(29.0, 3), (-5.0, 3), (60.0, 1), (None, 1)])
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


@pytest.mark.parametrize("size", [50])
async def test_a_crowd_asks_once_and_once_more_after_a_401(face: Face, size: int) -> None:
    issuer = Issuer()
    with ScriptedServer(issuer.answer, patience=20) as server:
        async with face.job_service(server.url, token=issuer) as client:
            came_to = await crowd(face, size, lambda: get(client))
            assert came_to == [{"shown": issuer.given[0]}] * size
            issuer.revoke()
            came_to = await crowd(face, size, lambda: get(client))
    assert came_to == [{"shown": issuer.given[1]}] * size
    assert len(issuer.given) == 2


async def test_a_failure_is_told_to_the_whole_crowd_and_the_next_call_asks_anew(face: Face) -> None:
    asked, arrived, bad = [], threading.Barrier(1), {"now": True}

    def source() -> str:
        asked.append(1)
        if bad["now"]:
            arrived.wait()
            time_for_all_to_come.wait(10)
            raise KeyError("vault")
        return "good"

    time_for_all_to_come = threading.Event()
    with ScriptedServer(lambda request, _: OK) as server:
        async with face.job_service(server.url, token=source) as client:
            waiting = []

            async def call() -> Any:
                waiting.append(1)
                if len(waiting) == 10:
                    time_for_all_to_come.set()
                return await get(client)

            came_to = await crowd(face, 10, call)
            assert all(isinstance(error, AuthenticationError) for error in came_to)
            assert len({id(error) for error in came_to}) == 10
            assert all(isinstance(error.__cause__, KeyError) for error in came_to)
            assert "raised KeyError" in str(came_to[0])
            assert "vault" not in str(came_to[0])
            assert server.requests == []
            bad["now"] = False
            first = len(asked)
            assert await get(client) == {"shown": "yes"}
    assert first < 10
    assert len(asked) == first + 1


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


async def test_a_call_waits_for_a_token_no_longer_than_its_deadline(face: Face) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        release.wait(10)
        return "late"

    with ScriptedServer(lambda request, _: OK) as server:
        async with face.job_service(server.url, token=slow) as client:
            if face.is_blocking:  # the thread that asks cannot be stopped, those that wait can
                first = threading.Thread(target=client.blocking.request, args=("GET", "/jobs/"))
                first.start()
                assert entered.wait(10)
            with pytest.raises(DeadlineExceeded, match="no token before the deadline of 0.05 s"):
                await get(client, deadline=0.05)
            with instant_retries(), pytest.raises(VantageTimeoutError, match="no token within the timeout of 0.05 s"):
                await get(client, timeout=0.05, max_retries=1)
            release.set()
            assert await get(client) == {"shown": "yes"}
            if face.is_blocking:
                first.join(10)


async def test_who_is_cancelled_does_not_stop_the_others(face: Face) -> None:
    if face.is_blocking:
        pytest.skip("threads are not cancelled")
    asked, release = [], anyio.Event()

    async def source() -> str:
        asked.append(1)
        await release.wait()
        return "token"

    with ScriptedServer(lambda request, _: OK) as server:
        async with AsyncJobServiceClient(token=source, base_url=server.url, trust_env=False) as client:
            came_to: list[Any] = []

            async def call() -> None:
                came_to.append(await get(client))

            async with anyio.create_task_group() as group:
                async with anyio.create_task_group() as doomed:
                    doomed.start_soon(call)
                    await anyio.wait_all_tasks_blocked()
                    group.start_soon(call)
                    await anyio.wait_all_tasks_blocked()
                    doomed.cancel_scope.cancel()
                assert asked == [1]
                release.set()
    assert came_to == [{"shown": "yes"}]
    assert asked == [1]


def test_ctrl_c_in_the_function_lets_another_thread_ask() -> None:
    entered, leave, asked = threading.Event(), threading.Event(), []

    def source() -> str:
        asked.append(threading.current_thread().name)
        if len(asked) == 1:
            entered.set()
            leave.wait(10)
            raise KeyboardInterrupt
        return "token"

    with ScriptedServer(lambda request, _: OK) as server:
        client = JobServiceClient(token=source, base_url=server.url, trust_env=False)
        came_to: list[Any] = []

        def call() -> None:
            try:
                came_to.append(client.request("GET", "/jobs/").data)
            except KeyboardInterrupt as stop:
                came_to.append(stop)

        threads = [threading.Thread(target=call, name=name) for name in "ab"]
        threads[0].start()
        assert entered.wait(10)
        threads[1].start()
        leave.set()
        for thread in threads:
            thread.join(10)
        client.close()
    assert asked == ["a", "b"]
    assert sorted(type(one).__name__ for one in came_to) == ["KeyboardInterrupt", "dict"]


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
