"""Calls while the interpreter exits come to a result or to a clear error, and never hang."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest

from mock_server import MockServer
from vantage_sdk import VantageClient

BEGIN = """
import asyncio, atexit, sys, threading, time
from vantage_sdk import AsyncVantageClient, VantageAPIError, VantageClient

url = sys.argv[1]
TEMPLATE = {"name": "n", "command": "true"}
client = VantageClient("your-api-key", url, trust_env=False, max_retries=0)
"""
JOBS = 12


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with MockServer(clock="auto", rate_limits=False) as server:
        yield server.url


def output(script: str, url: str) -> list[str]:
    text = BEGIN + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", text, url], check=False, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert "cannot schedule new futures" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("warm", [True, False], ids=["used before", "first use"])
def test_a_call_at_exit(url: str, warm: bool) -> None:
    script = f"""
    if {warm}:
        client.jobs.list(limit=1)
    atexit.register(lambda: print(client.jobs.submit(TEMPLATE).status))
    """
    assert output(script, url) == ["pending"]


def test_a_call_of_a_thread_that_outlives_the_main_one(url: str) -> None:
    script = """
    def late():
        threading.main_thread().join()
        print(client.jobs.list(limit=1).limit)
        print(len(client.jobs.submit_many([TEMPLATE] * 5)))

    threading.Thread(target=late).start()
    """
    assert output(script, url) == ["1", "5"]


def test_many_submissions_at_exit(url: str) -> None:
    script = f"atexit.register(lambda: print(len(client.jobs.submit_many([TEMPLATE] * {JOBS}))))"
    assert output(script, url) == [str(JOBS)]


def test_pages_fetched_ahead_at_exit(url: str) -> None:
    script = f"""
    client.jobs.submit_many([TEMPLATE] * {JOBS})
    listed = lambda: sum(1 for _ in client.jobs.list_all(page_size=5, prefetch=1, max_items={JOBS}))
    atexit.register(lambda: print(listed()))
    """
    assert output(script, url) == [str(JOBS)]


def test_pages_fetched_ahead_and_dropped_at_exit(url: str) -> None:
    script = """
    jobs = client.jobs.list_all(page_size=1, prefetch=1)
    next(jobs)
    print("done")
    """
    assert output(script, url) == ["done"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_asynchronous_call_at_exit(url: str, host: str) -> None:
    script = f"""
    async def call():
        async with AsyncVantageClient("your-api-key", url.replace("127.0.0.1", "{host}"), trust_env=False) as client:
            jobs = await client.jobs.submit_many([TEMPLATE] * 3)
            return len(jobs)

    def last():
        try:
            print(asyncio.run(call()))
        except VantageAPIError as error:
            print("clear" if "shut" in str(error) else error)

    atexit.register(last)
    """
    assert output(script, url) in (["3"], ["clear"])


def test_a_call_on_the_way_in_a_daemon_thread_does_not_hold_up_the_exit(url: str) -> None:
    script = """
    begun = threading.Event()

    def wait():
        begun.set()
        client.jobs.wait(client.jobs.submit({"name": "n", "command": "sleep 100000"}).id, poll_interval=5)

    threading.Thread(target=wait, daemon=True).start()
    begun.wait(60)
    print("done")
    """
    assert output(script, url) == ["done"]


def test_an_unclosed_client_says_nothing_at_exit(url: str) -> None:
    script = """
    client.jobs.list(limit=1)
    asyncio.run(AsyncVantageClient("your-api-key", url, trust_env=False).jobs.list(limit=1))
    print("done")
    """
    assert output(script, url) == ["done"]


def test_where_no_thread_starts_any_more_one_thread_does_it_all(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("vantage-"):
            raise RuntimeError("can't create new thread at interpreter shutdown")
        usual(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with VantageClient("your-api-key", url, trust_env=False) as client:
        assert len(client.jobs.submit_many([{"name": "n", "command": "true"}] * JOBS)) == JOBS
        listed = client.jobs.list_all(page_size=5, prefetch=1, max_items=JOBS)
        assert sum(1 for _ in listed) == JOBS
