"""A submission to a real cluster that got no answer is not made anew while it may still arrive; no Slurm is needed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.backend import RequestError, UnavailableError
from mock_server.cluster.job import JobRequest
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.doubts import Doubts
from mock_server.cluster.slurm.memory import Memory
from mock_server.cluster.slurm.records import job_record, node_record, partition_record
from mock_server.cluster.slurm.settings import SlurmSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REQUEST = JobRequest("a", "true", "u", idempotency_key="once")
NO_ANSWER = UnansweredError("no answer")


class Silent:
    """Stands for slurmrestd: it lists nothing, and does not answer the first submission."""

    is_open = False

    def __init__(self, failure: Exception) -> None:
        self.failure: Exception | None = failure
        self.submitted = 0
        self.listed: list[Any] = []
        self.comment = ""

    async def version(self) -> str:
        return "v0.0.38"

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def jobs(self, _: Any = ()) -> list[Any]:
        return self.listed

    async def nodes(self) -> list[Any]:
        return [node_record({"name": "node001", "state": "idle", "cpus": 8, "real_memory": 1024})]

    async def partitions(self) -> list[Any]:
        return [partition_record({"name": "normal", "flags": ["default"], "nodes": "node001", "state": "UP"})]

    async def submit(self, script: str, job: dict[str, Any], account: str) -> int:
        assert (script.splitlines()[-1], account) == ("true", "nobody")
        self.submitted += 1
        self.comment = job["comment"]
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        return 7


def cluster(
    failure: Exception, directory: str, settle: float, *, rest: Silent | None = None, state: str | None = None
) -> tuple[SlurmCluster, Silent]:
    made = SlurmCluster(SlurmSettings("http://127.0.0.1:1", directory=directory, settle=settle), state=state)
    made.rest = silent = rest or Silent(failure)  # type: ignore[assignment]
    return made, silent


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[Callable[[Silent, float], SlurmCluster]]:
    """Make servers over one state, of which only the last one comes to an orderly end."""
    made: list[SlurmCluster] = []

    def make(rest: Silent, settle: float) -> SlurmCluster:
        made.append(cluster(NO_ANSWER, str(tmp_path), settle, rest=rest, state=str(tmp_path))[0])
        return made[-1]

    yield make
    for backend in made:
        backend._memory.close()


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
        # What is not known may exist, although no list has told yet that Slurm is away.
        with pytest.raises(InDoubtError):
            backend.job("job_99")
        await backend.submit(REQUEST)
        assert rest.submitted == 2

    asyncio.run(body())


def test_a_doubt_outlives_the_server(restarted: Callable[[Silent, float], SlurmCluster]) -> None:
    async def body() -> None:
        rest = Silent(NO_ANSWER)
        await _killed(restarted(rest, 60.0))
        again = restarted(rest, 60.0)
        await _opened(again)
        with pytest.raises(UnavailableError, match="may still be carried out") as caught:
            await again.submit(REQUEST)
        assert 50 < caught.value.retry_after <= 60
        rest.listed = [_record(rest)]
        assert (await again.submit(REQUEST)).id == "job_7"
        assert (await again.submit(REQUEST)).request.command == "true"
        assert rest.submitted == 1
        last = restarted(rest, 60.0)
        await _opened(last)
        assert (await last.submit(REQUEST)).id == "job_7"
        assert rest.submitted == 1

    asyncio.run(body())


def test_a_server_that_ended_before_the_answer_leaves_a_doubt(
    restarted: Callable[[Silent, float], SlurmCluster],
) -> None:
    async def body() -> None:
        rest = Silent(KeyboardInterrupt())  # type: ignore[arg-type]
        await _killed(restarted(rest, 60.0), KeyboardInterrupt)
        again = restarted(rest, 60.0)
        await _opened(again)
        with pytest.raises(UnavailableError) as caught:
            await again.submit(REQUEST)
        # The attempt may have been on its way for as long as an answer may take.
        assert 60 < caught.value.retry_after <= 70

    asyncio.run(body())


def test_a_doubt_ends_when_slurm_has_had_its_time(restarted: Callable[[Silent, float], SlurmCluster]) -> None:
    async def body() -> None:
        rest = Silent(NO_ANSWER)
        await _killed(restarted(rest, 0.0))
        again = restarted(rest, 60.0)
        await _opened(again)
        assert (await again.submit(REQUEST)).id == "job_7"
        assert rest.submitted == 2

    asyncio.run(body())


@pytest.mark.parametrize("failure", [None, RequestError("job", "no"), UnavailableError("slurmrestd cannot be reached")])
def test_an_outcome_that_is_known_leaves_no_doubt(failure: Exception | None, tmp_path: Path) -> None:
    async def body() -> None:
        backend, rest = cluster(NO_ANSWER, str(tmp_path), 60.0, state=str(tmp_path))
        rest.failure = failure
        await _opened(backend)
        if failure is None:
            await backend.submit(REQUEST)
        else:
            with pytest.raises(type(failure)):
                await backend.submit(REQUEST)
        backend._memory.close()
        memory = Memory(backend._memory._path)
        memory.open()
        assert memory.intents() == []
        memory.close()

    asyncio.run(body())


def test_what_has_no_key_is_not_written_down(tmp_path: Path) -> None:
    async def body() -> None:
        backend, _ = cluster(NO_ANSWER, str(tmp_path), 60.0, state=str(tmp_path))
        await _opened(backend)
        with pytest.raises(UnansweredError):
            await backend.submit(REQUEST._replace(idempotency_key=None))
        assert backend._memory.intents() == []
        backend._memory.close()

    asyncio.run(body())


def test_a_clock_that_was_set_back_makes_nobody_wait_longer(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "jobs.sqlite3"))
    memory.open()
    memory.intend("k1", REQUEST, "normal", "nobody", time.time() + 10_000)
    doubts = Doubts(memory, SlurmSettings("http://127.0.0.1:1"))
    doubts.recall({})
    assert 60 < doubts.left("k1") <= 70
    memory.close()


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


async def _opened(backend: SlurmCluster) -> None:
    """Do what ``open`` does, without asking again and again."""
    backend._memory.open()
    backend._roster.recall()
    backend._doubts.recall(backend._roster.by_token)
    await backend.refresh(layout=True)


async def _killed(backend: SlurmCluster, expected: type[BaseException] = UnansweredError) -> None:
    """Submit without an answer and stop there; nothing is closed or written any more."""
    await _opened(backend)
    with pytest.raises(expected):
        await backend.submit(REQUEST)


def _record(rest: Silent) -> Any:
    raw = {"job_id": 7, "job_state": "PENDING", "state_reason": "Resources", "priority": 5, "user_name": "nobody"}
    return job_record({**raw, "comment": rest.comment, "submit_time": 100, "partition": "normal"})


def test_what_cannot_be_taken_over_does_not_end_the_looking(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    looks = 0

    async def body() -> None:
        backend, _ = cluster(NO_ANSWER, str(tmp_path), 60.0)
        again = asyncio.Event()

        async def refresh(*, layout: bool = False) -> None:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise KeyError(f"a surprise, {layout}")
            again.set()

        backend.refresh = refresh  # type: ignore[method-assign]
        poller = asyncio.create_task(backend._poll())
        try:
            await asyncio.wait_for(again.wait(), 10)
        finally:
            poller.cancel()

    asyncio.run(body())
    assert "cannot be taken over" in caplog.text


def test_nobody_waits_for_a_slurm_that_hangs(tmp_path: Path) -> None:
    async def body() -> None:
        backend, rest = cluster(NO_ANSWER, str(tmp_path), 60.0)
        object.__setattr__(backend.settings, "timeout", 0.01)

        async def jobs(_: Any = ()) -> list[Any]:
            await asyncio.Event().wait()
            return []

        rest.jobs = jobs  # type: ignore[method-assign]
        with pytest.raises(UnavailableError, match="has not answered yet"):
            await backend.submit(REQUEST)
        assert rest.submitted == 0

    asyncio.run(body())
