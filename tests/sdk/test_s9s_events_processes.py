"""Live events in forked processes, and in ones that exit."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

BEGIN = """
    import os, signal, sys, threading
    from tests.support.hub import say
    from tests.support.scripted import ScriptedServer
    from tests.support.sockets import sockets
    from vantage_sdk import AsyncS9SClient, S9SClient

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
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

"""


def run(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", textwrap.dedent(BEGIN) + textwrap.dedent(script)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@forks
def test_a_child_neither_takes_nor_ends_what_its_parent_waits_for() -> None:
    run(
        """
        with ScriptedServer(sockets(say)) as server, S9SClient(server.url, "t", trust_env=False) as client:
            with client.events.subscribe("jobs") as updates:
                assert next(updates).sequence == 1
                for _ in range(3):
                    in_child(updates.close)
                assert next(updates).sequence == 2
                assert updates.poll(0.05) is None
                assert server.connections == 1
        """
    )


@forks
def test_a_child_that_goes_on_has_a_connection_of_its_own() -> None:
    run(
        """
        with ScriptedServer(sockets(say)) as server, S9SClient(server.url, "t", trust_env=False) as client:
            with client.events.subscribe("jobs") as updates:
                assert next(updates).sequence == 1

                def go_on():
                    # The second one may have been there already; the third comes over a connection of the child's.
                    assert [next(updates).sequence for _ in range(2)] == [2, 3]
                    updates.close()

                in_child(go_on)
                assert next(updates).sequence == 2
                assert server.connections == 2
        """
    )


@forks
def test_a_child_is_not_kept_by_a_thread_that_waits_in_its_parent() -> None:
    run(
        """
        with ScriptedServer(sockets(say)) as server, S9SClient(server.url, "t", trust_env=False) as client:
            updates, found = client.events.subscribe("jobs"), []
            thread = threading.Thread(target=lambda: found.extend(updates))
            thread.start()
            while len(found) < 2:
                threading.Event().wait(0.01)

            def go_on():
                assert next(updates).sequence == 3
                updates.close()

            in_child(go_on)
            in_child(updates.close)
            assert thread.is_alive()
            updates.close()
            thread.join(60)
            assert not thread.is_alive()
        """
    )


@pytest.mark.parametrize("closing", ["", "updates.close()"])
def test_an_interpreter_that_exits_is_not_kept(closing: str) -> None:
    run(
        f"""
        server = ScriptedServer(sockets(say)).__enter__()
        client = S9SClient(server.url, "t", trust_env=False)
        updates = client.events.subscribe("jobs")
        updates.__enter__()
        assert next(updates).sequence == 1
        {closing}
        server.__exit__(None, None, None)
        """
    )
