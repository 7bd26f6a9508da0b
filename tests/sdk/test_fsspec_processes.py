"""A file system of fsspec across threads and processes: its key is seen nowhere, and each process has a client of its own."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import runpy
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from mock_server import MockServer
from tests.sdk.test_fork import run
from vantage_sdk import ConfigError, VantageClient, fs_client
from vantage_sdk.fs import VantageFileSystem
from vantage_sdk.fs_client import Key

KEY = "your-api-key"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(world="empty", rate_limits=False) as running:
        running.storage.put("/a.txt", b"a")
        yield running
    VantageFileSystem.clear_instance_cache()
    gc.collect()


@pytest.fixture
def environment(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", KEY)
    monkeypatch.setenv("VANTAGE_BASE_URL", server.url)
    fsspec.register_implementation("vantage", VantageFileSystem, clobber=True)


def made(server: MockServer, key: str = KEY, **options: Any) -> Any:
    return VantageFileSystem(api_key=key, base_url=server.url, trust_env=False, **options)


def shown(fs: Any) -> str:
    texts = [repr(fs), str(fs), repr(fs.storage_options), repr(vars(fs)["storage_options"]), str(fs.storage_args)]
    return "".join([*texts, fs._fs_token, str(hash(fs)), str(fs.__dask_tokenize__()), repr([*type(fs)._cache])])


def test_a_key_is_not_seen(server: MockServer) -> None:
    fs = made(server)
    assert fs.cat("/a.txt") == b"a"
    assert KEY not in shown(fs)
    with pytest.raises(TypeError, match="no JSON form"):
        fs.to_json()
    with pytest.raises(TypeError, match="no JSON form"):
        fs.to_dict()
    for way in (lambda: pickle.dumps(fs), lambda: pickle.dumps(fsspec.core.OpenFile(fs, "/a.txt"))):
        with pytest.raises(TypeError, match="a client made with api_key= cannot be pickled"):
            way()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(fs.storage_options)
    assert copy.deepcopy(fs.storage_options) == copy.copy(fs.storage_options) == fs.storage_options


def test_the_token_does_not_tell_the_key_to_another_process(server: MockServer) -> None:
    program = f"""
        from vantage_sdk.fs import VantageFileSystem
        print(VantageFileSystem(api_key="{KEY}", base_url="{server.url}").storage_options["api_key"])
    """
    answers = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        for _ in range(2)
    }
    assert len(answers) == 2


def test_instances_are_kept_apart_by_their_keys(server: MockServer) -> None:
    one, other = made(server), made(server, "another-key")
    assert one is made(server)
    assert one is not other
    assert one != other
    assert hash(one) != hash(other)
    keys = [fs.storage_options["api_key"] for fs in (one, other)]
    assert len({*keys, Key(KEY)}) == 2
    assert keys[0] == Key(KEY) != keys[1]
    assert keys[0] != KEY
    assert copy.copy(keys[0]) is keys[0]
    assert one.client.config.api_key.reveal() == KEY
    assert other.client.config.api_key.reveal() == "another-key"


def test_instances_are_kept_apart_by_their_clients(server: MockServer) -> None:
    with VantageClient(KEY, server.url, trust_env=False) as first, VantageClient("other-key", server.url) as second:
        one, other = VantageFileSystem(client=first), VantageFileSystem(client=second)
        assert (one.client, other.client) == (first, second)
        assert one != other
        assert one.cat("/a.txt") == b"a"
        with pytest.raises(TypeError, match="leave out base_url, timeout"):
            VantageFileSystem(client=first, base_url="https://example.com", timeout=3)
        with pytest.raises(TypeError, match="takes a VantageClient, not str"):
            VantageFileSystem(client="your-client")
        with pytest.raises(TypeError, match="no JSON form"):
            one.to_json()
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(one)


@pytest.mark.usefixtures("environment")
def test_without_a_key_it_can_be_sent_elsewhere(server: MockServer) -> None:
    fs = fsspec.filesystem("vantage", timeout=5)
    assert fs.client is fs.client
    assert fs.fsid == f"vantage {server.url}/v1"
    for again in (pickle.loads(pickle.dumps(fs)), fsspec.AbstractFileSystem.from_json(fs.to_json())):
        assert again is fs
    assert json.loads(fs.to_json())["timeout"] == 5
    assert KEY not in fs.to_json()
    assert fs.client.config.timeout == 5
    file = pickle.loads(pickle.dumps(fsspec.open("vantage://a.txt")))
    with file as opened:
        assert opened.read() == b"a"
    with VantageClient() as client:
        again = pickle.loads(pickle.dumps(VantageFileSystem(client=client)))
        assert again.cat("/a.txt") == b"a"


def test_no_client_is_made_before_it_is_needed() -> None:
    fs = VantageFileSystem(skip_instance_cache=True)
    assert fs._strip_protocol("vantage://a") == "/a"
    with pytest.raises(ConfigError, match="VANTAGE_API_KEY"):
        fs.ls("/")


@pytest.mark.usefixtures("environment")
def test_settings_of_fsspec_count(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf, "vantage", {"api_key": "configured", "max_retries": 1})
    fs = fsspec.filesystem("vantage")
    assert (fs.client.config.api_key.reveal(), fs.client.config.max_retries) == ("configured", 1)
    assert "configured" not in shown(fs)


def test_a_forgotten_file_system_closes_its_client(server: MockServer) -> None:
    fs = made(server, skip_instance_cache=True)
    assert fs.cat("/a.txt") == b"a"
    pool = fs.client._sender.io._pool
    assert pool.open_connections
    del fs
    gc.collect()
    assert pool.open_connections == 0


def test_of_two_clients_made_at_once_one_is_used(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fs = made(server)
    first = VantageClient(KEY, server.url, trust_env=False)
    monkeypatch.setattr(
        "vantage_sdk.fs_client.VantageClient", lambda **_: fs._made.setdefault(os.getpid(), first) and object()
    )
    assert fs.client is first
    assert fs.client is first
    first.close()


def test_threads_have_their_own_and_may_share_one(server: MockServer) -> None:
    fs, found = made(server), list[bytes]()
    threads = [threading.Thread(target=lambda: found.append(fs.cat("/a.txt"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"a"] * 8
    assert len(fs._made) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_every_process_has_a_client_of_its_own(server: MockServer) -> None:
    script = """
        from vantage_sdk.fs import VantageFileSystem

        fs = VantageFileSystem(api_key="your-api-key", base_url=sys.argv[1], trust_env=False, max_retries=0)
        parent = fs.client
        assert fs.cat("/a.txt") == b"a"
        file = fs.open("/a.txt")

        def work(child):
            assert fs.client is not parent
            assert VantageFileSystem(api_key="your-api-key", base_url=sys.argv[1], trust_env=False, max_retries=0) is not fs
            for number in range(5):
                fs.pipe(f"/{child}-{number}", b"%d" % child)
                assert fs.cat(f"/{child}-{number}") == b"%d" % child
            assert file.read() == b"a"

        all_well([in_child(lambda child=child: work(child)) for child in range(8)])
        assert fs.client is parent
        assert file.read() == b"a"
        file.close()
        assert len(fs.ls("/")) == 41
        print("well")
    """
    assert run(script, server.url) == "well\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_file_that_is_read_ahead_lives_on_in_a_child(server: MockServer) -> None:
    content = bytes(range(256)) * (8 << 10)
    server.storage.put("/large", content)
    script = """
        with VantageClient("your-api-key", sys.argv[1], trust_env=False, max_retries=0) as client:
            with client.storage.open("/large", block_size=1 << 18) as file:
                begun = file.read(300_000)

                def finish():
                    assert begun + file.read() == bytes(range(256)) * (8 << 10)

                all_well([in_child(finish) for _ in range(4)])
                assert begun + file.read() == bytes(range(256)) * (8 << 10)
        print("well")
    """
    assert run(script, server.url) == "well\n"


def test_work_goes_to_new_processes(server: MockServer, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing
            import fsspec
            from vantage_sdk.fs import VantageFileSystem

            fsspec.register_implementation("vantage", VantageFileSystem, clobber=True)

            def work(file):
                with file as opened:
                    return opened.read()

            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    assert pool.map(work, [fsspec.open("vantage://a.txt")] * 4) == [b"a"] * 4
                    pool.close()
                    pool.join()
            """
        )
    )
    settings = {"VANTAGE_API_KEY": KEY, "VANTAGE_BASE_URL": server.url, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(script)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.config", None)
    with pytest.raises(ImportError, match=r"vantage:// needs fsspec: pip install 'vantage-sdk\[fsspec\]'"):
        runpy.run_path(fs_client.__file__)
