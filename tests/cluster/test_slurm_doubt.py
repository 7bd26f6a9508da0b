"""A submission to a real cluster that got no answer is not made anew while it may still arrive; no Slurm is needed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mock_server.cluster.backend import UnavailableError
from mock_server.cluster.job import JobRequest
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.records import node_record, partition_record
from mock_server.cluster.slurm.settings import SlurmSettings

REQUEST = JobRequest("a", "true", "u", idempotency_key="once")


class Silent:
    """Stands for slurmrestd: it lists nothing, and does not answer the first submission."""

    is_open = False

    def __init__(self, failure: Exception) -> None:
        self.failure: Exception | None = failure
        self.submitted = 0

    async def version(self) -> str:
        return "v0.0.38"

    async def jobs(self, _: Any = ()) -> list[Any]:
        return []

    async def nodes(self) -> list[Any]:
        return [node_record({"name": "node001", "state": "idle", "cpus": 8, "real_memory": 1024})]

    async def partitions(self) -> list[Any]:
        return [partition_record({"name": "normal", "flags": ["default"], "nodes": "node001", "state": "UP"})]

    async def submit(self, *_: Any) -> int:
        self.submitted += 1
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        return 7


def cluster(failure: Exception, directory: str, settle: float) -> tuple[SlurmCluster, Silent]:
    made = SlurmCluster(SlurmSettings("http://127.0.0.1:1", directory=directory, settle=settle))
    made.rest = silent = Silent(failure)  # type: ignore[assignment]
    return made, silent


@pytest.mark.parametrize("settle", [60.0, 0.0])
def test_no_answer_is_waited_for(settle: float, tmp_path: Any) -> None:
    async def body() -> None:
        backend, rest = cluster(UnansweredError("no answer"), str(tmp_path), settle)
        await backend.refresh(layout=True)
        with pytest.raises(UnansweredError):
            await backend.submit(REQUEST)
        if not settle:
            assert (await backend.submit(REQUEST)).id
            assert rest.submitted == 2
            return
        for _ in range(2):
            with pytest.raises(UnavailableError, match="may still be carried out") as caught:
                await backend.submit(REQUEST)
            assert 50 < caught.value.retry_after <= settle
        assert rest.submitted == 1

    asyncio.run(body())


def test_an_answer_that_says_no_is_final(tmp_path: Any) -> None:
    async def body() -> None:
        backend, rest = cluster(InDoubtError("the controller is away"), str(tmp_path), 60.0)
        await backend.refresh(layout=True)
        with pytest.raises(InDoubtError):
            await backend.submit(REQUEST)
        await backend.submit(REQUEST)
        assert rest.submitted == 2

    asyncio.run(body())


def test_many_callers_who_find_slurm_away_share_a_look(tmp_path: Any) -> None:
    looks = 0

    async def body() -> None:
        backend, rest = cluster(InDoubtError("away"), str(tmp_path), 60.0)

        async def jobs(_: Any = ()) -> list[Any]:
            nonlocal looks
            looks += 1
            await asyncio.sleep(0.01)
            raise UnavailableError("Slurm is away")

        rest.jobs = jobs  # type: ignore[method-assign]
        found = await asyncio.gather(*(backend.submit(REQUEST) for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in found} == {UnavailableError}

    asyncio.run(body())
    assert looks == 2
