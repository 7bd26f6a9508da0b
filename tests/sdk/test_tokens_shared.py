"""Tokens from a function that many threads and tasks need at the same time."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from tests.sdk.test_tokens import OK, get
from tests.support.crowd import crowd
from tests.support.faces import Face
from tests.support.scripted import ScriptedServer
from tests.support.tokens import Issuer
from vantage_sdk import (
    AsyncJobServiceClient,
    AuthenticationError,
    DeadlineExceeded,
    JobServiceClient,
    VantageTimeoutError,
)
from vantage_sdk.testing import instant_retries


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
            time_for_all_to_come.wait(60)
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


async def test_a_call_waits_for_a_token_no_longer_than_its_deadline(face: Face) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        release.wait(60)
        return "late"

    with ScriptedServer(lambda request, _: OK) as server:
        async with face.job_service(server.url, token=slow) as client:
            if face.is_blocking:  # the thread that asks cannot be stopped, those that wait can
                first = threading.Thread(target=client.blocking.request, args=("GET", "/jobs/"))
                first.start()
                assert entered.wait(60)
            with pytest.raises(DeadlineExceeded, match="no token before the deadline of 0.05 s"):
                await get(client, deadline=0.05)
            with instant_retries(), pytest.raises(VantageTimeoutError, match="no token within the timeout of 0.05 s"):
                await get(client, timeout=0.05, max_retries=1)
            release.set()
            assert await get(client) == {"shown": "yes"}
            if face.is_blocking:
                first.join(60)


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
            leave.wait(60)
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
        assert entered.wait(60)
        threads[1].start()
        leave.set()
        for thread in threads:
            thread.join(60)
        client.close()
    assert asked == ["a", "b"]
    assert sorted(type(one).__name__ for one in came_to) == ["KeyboardInterrupt", "dict"]
