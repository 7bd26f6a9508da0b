"""Who is interrupted while waiting or following is told that the job goes on, and how to come back to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.answers import jobs, one
from tests.support.scripted import ScriptedServer, Sse
from vantage_sdk import AsyncVantageClient, DeadlineExceeded

CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "wait": (lambda nouns: nouns.wait("job-1", poll_interval=0.01), "client.jobs.wait('job-1')"),
    "wait_all": (lambda nouns: nouns.wait_all(["job-1"], poll_interval=0.01), "client.jobs.wait_all(['job-1'])"),
    "as_completed": (
        lambda nouns: anext(nouns.as_completed(["job-1"], poll_interval=0.01)),
        "client.jobs.wait_all(['job-1'])",
    ),
    "follow": (lambda nouns: _second(nouns.logs_stream("job-1")), "client.jobs.logs_stream('job-1')"),
}


async def _second(lines: Any) -> None:
    await anext(lines)
    await anext(lines)


def script(request: Any, connection: int) -> Any:
    if "/logs" in request.target:
        return Sse([{"id": "1", "data": "one"}], final=False)
    return jobs() if "?" in request.target else one(updated_at="2024-01-15T10:30:00Z")


@pytest.mark.parametrize("name", CALLS)
def test_a_cancelled_task_is_told(name: str) -> None:
    call, says = CALLS[name]

    async def body() -> None:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False) as client:
            task = asyncio.ensure_future(call(client.jobs))
            await asyncio.wait([task], timeout=0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert any(says in note for note in caught.value.__notes__)

    with ScriptedServer(lambda r, c: [script(r, c)] if "/logs" in r.target else script(r, c)) as server:
        asyncio.run(body())


def test_a_followed_log_at_its_deadline_is_told() -> None:
    async def body() -> None:
        async with AsyncVantageClient("your-api-key", server.url, trust_env=False) as client:
            with pytest.raises(DeadlineExceeded) as caught:
                async for _ in client.jobs.logs_stream("job-1", deadline=0.3):
                    pass
            assert any("client.jobs.logs_stream('job-1')" in note for note in caught.value.__notes__)

    def slow(request: Any, connection: int) -> Any:
        return script(request, connection) if "/logs" not in request.target else [script(request, connection)]

    with ScriptedServer(slow) as server:
        asyncio.run(body())


PROGRAM = """
import asyncio, sys
from vantage_sdk import AsyncVantageClient, VantageClient
if sys.argv[2] == "blocking":
    client = VantageClient("your-api-key", sys.argv[1], trust_env=False)
    client.jobs.wait("job-1", poll_interval=0.01)
else:
    async def main():
        async with AsyncVantageClient("your-api-key", sys.argv[1], trust_env=False) as client:
            await client.jobs.wait("job-1", poll_interval=0.01)
    asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("face", ["blocking", "asyncio"])
def test_ctrl_c_shows_the_way_back(face: str) -> None:
    with ScriptedServer(script) as server:
        program = subprocess.Popen([sys.executable, "-c", PROGRAM, server.url, face], stderr=subprocess.PIPE, text=True)
        for _ in range(3000):
            if len(server.requests) > 2:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                program.wait(0.01)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert "job job-1 goes on (last status: running); resume with client.jobs.wait('job-1')" in said
    assert {request.method for request in server.requests} == {"GET"}
