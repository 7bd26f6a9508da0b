"""How long a transfer may take, and how long the other side may be silent."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.support.directories import files_of, write
from tests.support.faces import Face
from tests.support.silence import holding
from vantage_sdk import DeadlineExceeded, SubmitOutcomeUnknown, VantageAPIError, VantageClient, VantageTimeoutError

KIB = 1 << 10
CONTENT = bytes(range(256)) * 1200


@pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
@pytest.mark.parametrize("moment", ["sending", "answer", "head", "body"])
@pytest.mark.parametrize("limit", ["deadline", "timeout"])
def test_a_limit_ends_a_transfer(limit: str, moment: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to/a").write_bytes(b"old")
    face, release, options = Face(name), threading.Event(), {limit: 0.4}

    async def body() -> None:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                if moment in ("head", "body"):
                    await client.storage.download("/f", tmp_path / "to/a", **options)
                else:
                    await client.storage.upload(bytes(8 << 20), "/f", **options)
            error = caught.value.__cause__ if isinstance(caught.value, SubmitOutcomeUnknown) else caught.value
            assert isinstance(error, DeadlineExceeded if limit == "deadline" else VantageTimeoutError), repr(error)

    with holding(moment, release) as server:
        face.run(body)
        release.set()
    assert (tmp_path / "to/a").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["blocking", "asyncio", "trio"])
def test_a_deadline_is_for_a_directory_as_a_whole(name: str, tmp_path: Path) -> None:
    face = Face(name)
    write(tmp_path, {f"from/{number}": b"x" for number in range(20)})

    async def body() -> None:
        async with face.client(server.url) as client:
            with pytest.raises((DeadlineExceeded, SubmitOutcomeUnknown)):
                await client.storage.upload_directory(tmp_path / "from", "/d", concurrency=2, deadline=0.5)

    with MockServer(world="empty", rate_limits=False) as server:
        server.faults.set([{"method": "POST", "start": 5, "delay": 60}])
        face.run(body)
        assert len(server.storage.files()) < 20


def test_a_timeout_is_for_silence_and_not_for_the_whole(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    with MockServer(world="empty") as server, VantageClient("your-api-key", server.url, trust_env=False) as client:
        server.storage.put("/f", CONTENT)
        server.faults.set([{"path": "/v1/storage/files/*/download", "drip": {"bytes": 20 * KIB, "interval": 0.05}}])
        client.storage.download("/f", tmp_path / "to/a", timeout=0.4, max_retries=0)
    assert files_of(tmp_path / "to")["a"] == CONTENT
