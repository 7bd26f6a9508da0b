"""A client that lives on in a forked process: own connections, fresh locks, and never somebody else's answer."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mock_server import MockServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

ECHO = """
    import asyncio, os, signal, socket, sys, threading
    from tests.support.scripted import Json, ScriptedServer, Sse, Chunk, Wait
    from vantage_sdk import AsyncVantageClient, VantageClient

    def echo(request, connection):
        return Json(200, {"id": request.path.rpartition("/")[2], "status": "running"})

    def in_child(work):
        pid = os.fork()
        if pid == 0:
            code = 1
            signal.alarm(30)
            try:
                work()
                code = 0
            except BaseException as error:
                print(f"child: {error!r}", file=sys.stderr)
            finally:
                sys.stderr.flush()
                os._exit(code)
        return pid

    def all_well(pids):
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        assert not any(codes), codes
"""


def run(script: str, *args: str) -> str:
    """Run a script in a process of its own, which must end well and in time."""
    text = textwrap.dedent(ECHO) + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", text, *args],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stdout


def test_every_process_gets_its_own_answers() -> None:
    script = """
        client = VantageClient("your-api-key", sys.argv[1], trust_env=False, max_retries=0)

        def call(who):
            for number in range(20):
                wanted = f"{who}-{number}"
                try:
                    client.jobs.get(wanted)
                except Exception as error:
                    assert type(error).__name__ == "ResourceNotFoundError", repr(error)
                    assert wanted in error.message, (wanted, error.message)

        call("parent")
        pool = client._sender.io._pool
        (kept,) = [connection for stack in pool._idle.values() for connection in stack]
        for round in range(2):
            pids = [in_child(lambda child=child: call(f"child-{round}-{child}")) for child in range(40)]
            call(f"parent-{round}")
            all_well(pids)
        call("parent-again")
        assert [connection for stack in pool._idle.values() for connection in stack] == [kept]
        client.close()
        print("well")
        """
    with MockServer(rate_limits=False) as server:
        assert run(script, server.url) == "well\n"


def test_a_child_closes_nothing_of_its_parent() -> None:
    run(
        """
        with ScriptedServer(echo) as server:
            with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client:
                client.jobs.get("first")

                def leave():
                    assert client._sender.io._pool.open_connections == 0
                    client.close()

                all_well([in_child(leave) for _ in range(5)])
                for number in range(5):
                    assert client.jobs.get(f"job-{number}").id == f"job-{number}"
                assert server.connections == 1
        """
    )


@pytest.mark.parametrize("lock", ["io._pool._changed", "shared.quota._lock"])
def test_a_lock_that_another_thread_held_is_free_in_the_child(lock: str) -> None:
    run(
        f"""
        with ScriptedServer(echo) as server:
            with VantageClient("your-api-key", server.url, trust_env=False) as client:
                client.jobs.get("first")
                held, over = threading.Event(), threading.Event()

                def hold():
                    with client._sender.{lock}:
                        held.set()
                        over.wait(30)

                thread = threading.Thread(target=hold)
                thread.start()
                held.wait(30)
                all_well([in_child(lambda: client.jobs.get("child"))])
                over.set()
                thread.join()
                assert client.jobs.get("after").id == "after"
        """
    )


def test_a_half_read_log_stays_with_the_process_that_opened_it() -> None:
    run(
        """
        go = threading.Event()

        def script(request, connection):
            if request.path.endswith("/logs"):
                line = {"id": "1", "data": "one"}
                rest = b"id: 2\\ndata: two\\n\\nevent: end\\ndata: {}\\n\\n"
                return [Sse([line], final=False), Wait(go), Chunk(rest), Chunk()]
            return echo(request, connection)

        with ScriptedServer(script) as server:
            with VantageClient("your-api-key", server.url, trust_env=False, max_retries=0) as client:
                lines = client.jobs.logs_stream("job-1")
                assert next(lines) == "one"

                def leave():
                    lines.close()
                    pool = client._sender.io._pool
                    assert pool.open_connections == 0, pool.open_connections
                    assert client.jobs.get("child").id == "child"
                    assert pool.open_connections == 1, pool.open_connections

                all_well([in_child(leave)])
                go.set()
                assert list(lines) == ["two"]
        """
    )


def test_a_log_that_a_child_reads_to_its_end_is_not_kept_by_it() -> None:
    run(
        """
        go = threading.Event()

        def script(request, connection):
            if request.path.endswith("/logs"):
                return [Sse([{"id": "1", "data": "one"}], final=False), Wait(go), Chunk(b"event: end\\ndata: {}\\n\\n"), Chunk()]
            return echo(request, connection)

        with ScriptedServer(script) as server:
            client = VantageClient("your-api-key", server.url, trust_env=False, max_retries=0)
            lines = client.jobs.logs_stream("job-1")
            assert next(lines) == "one"

            def finish():
                assert list(lines) == []
                assert client.jobs.get("child").id == "child"

            pid = in_child(finish)
            go.set()
            all_well([pid])
            assert len({request.connection for request in server.requests}) == 2
            lines.close()
            client.close()
        """
    )


def test_an_asynchronous_client_works_in_the_child() -> None:
    run(
        """
        with ScriptedServer(echo) as server:
            client = AsyncVantageClient("your-api-key", server.url, trust_env=False, max_retries=0)

            async def call(who):
                calls = [client.jobs.get(f"{who}-{number}") for number in range(20)]
                assert [job.id for job in await asyncio.gather(*calls)] == [f"{who}-{number}" for number in range(20)]

            asyncio.run(call("parent"))
            all_well([in_child(lambda child=child: asyncio.run(call(f"child-{child}"))) for child in range(4)])
            asyncio.run(call("parent"))
        """
    )


def test_a_client_of_the_environment_goes_to_a_new_process(server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("def work(client):\n    return client.jobs.list(limit=1).limit\n")
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing
            from vantage_sdk import VantageClient
            from work import work

            if __name__ == "__main__":
                with VantageClient() as client:
                    assert work(client) == 1
                    with multiprocessing.get_context("spawn").Pool(1) as pool:
                        assert pool.map(work, [client] * 2) == [1] * 2
                        pool.close()
                        pool.join()
            """
        )
    )
    settings = {
        "VANTAGE_API_KEY": "your-api-key",
        "VANTAGE_BASE_URL": server.url,
        "PYTHONPATH": f"{os.getcwd()}:{tmp_path}",
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
