"""How the real backend asks Slurm's accounting, and what it makes of it; no Slurm is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.backend import UnavailableError, UnsupportedError
from mock_server.cluster.consumption import UNMEASURED, UNUSED, Consumption
from mock_server.cluster.history import History
from mock_server.cluster.job import Job, JobRequest, JobState, Resources
from mock_server.cluster.slurm.accounting import ATTEMPTS, BATCH, DIRECTORY_EVERY, Accounting
from mock_server.cluster.slurm.commands import Commands
from mock_server.cluster.slurm.directory import Directory
from mock_server.cluster.slurm.identity import tag_of
from mock_server.cluster.slurm.layout import Layout
from mock_server.cluster.slurm.memory import Memory
from mock_server.cluster.slurm.records import job_record, node_record, partition_record
from mock_server.cluster.slurm.rest import Rest
from mock_server.cluster.slurm.roster import Roster
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.tokens import Tokens
from mock_server.platform.metrics import job_metrics
from mock_server.s9s.jobs_seen import efficiency
from tests.cluster.test_slurm_account_records import BURNER, RECORDED
from tests.support.messages import Json
from tests.support.scripted import ScriptedServer

SETTINGS = SlurmSettings("http://127.0.0.1:1", token="t")


class Books:
    """Stands for slurmrestd with accounting; ``jobs`` are those that slurmdbd has got already."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[list[str]] = []
        self.failure: Exception | None = None

    async def slurmdb(self, what: str, **query: str | Sequence[str]) -> dict[str, Any] | None:
        if self.failure is not None:
            raise self.failure
        if what != "jobs":
            return {"QOS" if what == "qos" else what: RECORDED["QOS" if what == "qos" else what]}
        keys = list(query["step"])
        self.asked.append(keys)
        return {"jobs": [self.jobs[key] for key in keys if key in self.jobs]}


class Scene:
    """A roster with some jobs that have ended, and its accounting."""

    def __init__(self, count: int, path: Path | None = None) -> None:
        self.memory = Memory(None if path is None else str(path))
        self.memory.open()
        self.roster = Roster("cluster_slurm", History(10_000), self.memory)
        self.books = Books()
        self.directory = Directory({})
        self.accounting = Accounting(self.books, Commands(SETTINGS), self.roster, self.directory)
        self.listed = [listed(number) for number in range(1, count + 1)]
        self.roster.update(map(job_record, self.listed), 200.0, {}, 150.0)

    def arrive(self, *numbers: int) -> None:
        """Let slurmdbd have the records of some jobs."""
        for number in numbers:
            self.books.jobs[str(number)] = {**BURNER, "job_id": number}

    def look(self, now: float) -> None:
        asyncio.run(self.accounting.look(now))

    def job(self, number: int) -> Job:
        return self.roster.jobs[str(number)]


def listed(number: int, **fields: Any) -> dict[str, Any]:
    """Return a job that has ended as slurmrestd lists it."""
    content = {"job_id": number, "job_state": "COMPLETED", "submit_time": 100, "start_time": 101, "end_time": 107}
    shape = {"nodes": "cpu001", "node_count": 1, "cpus": 2, "memory_per_cpu": 256, "user_name": "nobody"}
    return {**content, **shape, "partition": "normal", "name": f"n{number}", **fields}


def test_all_that_ended_are_asked_about_at_once() -> None:
    scene = Scene(BATCH + 50)
    scene.arrive(*range(1, BATCH + 51))
    scene.look(0.0)
    assert [len(keys) for keys in scene.books.asked] == [BATCH]
    scene.look(1.0)
    scene.look(2.0)
    assert [len(keys) for keys in scene.books.asked] == [BATCH, 50]
    assert scene.job(BATCH + 50).consumption.max_memory == 89808896
    assert not scene.roster.unmeasured


def test_what_slurmdbd_has_not_got_yet_is_asked_for_again_but_not_for_ever() -> None:
    scene = Scene(2)
    scene.look(0.0)
    assert (scene.job(1).measured, scene.accounting.is_there) == (UNMEASURED, True)
    scene.look(0.5)
    assert len(scene.books.asked) == 1
    scene.arrive(1)
    scene.look(1.0)
    assert scene.job(1).measured.cpu_seconds == pytest.approx(3.128691)
    now, looks = 1.0, 2
    while scene.roster.unmeasured:
        now += 1.0
        scene.look(now)
    assert len(scene.books.asked) == ATTEMPTS > looks
    assert 200 < now < 600
    assert scene.job(2).measured == UNMEASURED


def test_an_accounting_that_is_away_is_waited_for() -> None:
    scene = Scene(1)
    scene.books.failure = UnavailableError("slurmdbd is away")
    for now in range(2 * ATTEMPTS):
        with pytest.raises(UnavailableError):
            scene.look(float(now * DIRECTORY_EVERY))
    scene.books.failure = None
    scene.arrive(1)
    scene.look(1e6)
    assert scene.job(1).measured != UNMEASURED


def test_a_site_without_accounting_says_so() -> None:
    scene = Scene(1)

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    async def disabled(*_: Any) -> dict[str, Any]:
        raise UnsupportedError("Slurm accounting storage is disabled")

    scene.books.slurmdb = nothing  # type: ignore[method-assign, assignment]
    scene.accounting._commands.json = disabled  # type: ignore[method-assign]

    async def body() -> None:
        task = asyncio.create_task(scene.accounting.follow())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(body())
    assert scene.accounting.is_there is False
    assert not scene.roster.unmeasured
    assert list(scene.directory.qos) == ["normal"]


def test_who_may_use_what_is_asked_now_and_then() -> None:
    scene = Scene(0)
    scene.look(0.0)
    calls = scene.accounting.calls
    scene.look(DIRECTORY_EVERY - 1)
    assert scene.accounting.calls == calls == 3
    scene.look(DIRECTORY_EVERY)
    assert scene.accounting.calls == 6
    assert list(scene.directory.accounts) == ["root", "proj"]


def test_what_a_job_used_outlives_the_server(tmp_path: Path) -> None:
    scene = Scene(2, tmp_path / "jobs")
    scene.arrive(1)
    scene.look(0.0)
    measured = scene.job(1).measured
    scene.memory.close()
    again = Scene(0, tmp_path / "jobs")
    again.roster.recall()
    assert (again.job(1).measured, again.job(2).measured) == (measured, UNMEASURED)
    assert (again.job(1).request.user_id, again.job(1).state) == ("nobody", JobState.COMPLETED)


def test_only_jobs_that_ran_are_asked_about() -> None:
    scene = Scene(0)
    raw = [listed(1, job_state="CANCELLED", nodes="", start_time=107), listed(2), listed(3, job_state="RUNNING")]
    scene.roster.update(map(job_record, raw), 200.0, {}, 150.0)
    assert list(scene.roster.unmeasured) == ["2"]
    assert [scene.job(number).measured for number in (1, 2, 3)] == [UNUSED, UNMEASURED, UNMEASURED]
    scene.roster.deleted(scene.job(2), 201.0)
    assert not scene.roster.unmeasured


def test_what_is_not_known_is_shown_as_such() -> None:
    scene = Scene(1)
    job = scene.job(1)
    unknown = {"cpu_efficiency": None, "memory_efficiency": None, "gpu_utilization": 0.0}
    assert efficiency(job, 300.0) == {**unknown, "max_memory_used": None, "max_cpu_time": None}
    points = job_metrics(job, 300.0)["metrics"]
    assert {(point["cpu_percent"], point["memory_percent"], point["gpu_percent"]) for point in points} == {
        (None, None, None)
    }
    job.measured = Consumption(6.0, None, 2**28)
    assert efficiency(job, 300.0)["cpu_efficiency"] == 0.5
    assert efficiency(job, 300.0)["memory_efficiency"] == 0.5
    assert {point["cpu_percent"] for point in job_metrics(job, 300.0)["metrics"]} == {50.0}


def test_a_job_that_asked_for_no_memory_has_what_slurm_gave_it() -> None:
    scene = Scene(0)
    request = JobRequest("n", "true", "u", array=(1, 2), id_form="s9s")
    scene.roster.submitted(7, request, tag_of(request), "normal", 100.0, "nobody")
    raw = [listed(7, array_job_id=7, array_task_id=1), listed(8, array_job_id=7, array_task_id=2)]
    scene.roster.update(map(job_record, raw), 200.0, {}, 150.0)
    first, second = scene.roster.jobs["7_1"], scene.roster.jobs["7_2"]
    assert first.request.resources == Resources(1, 512 * 2**20)
    assert first.request is second.request


def test_what_is_free_follows_the_jobs_between_two_looks_at_the_nodes() -> None:
    layout = Layout("slurm", 0.0, Directory({}))
    history = History(100)
    raw = {"name": "cpu001", "state": "mixed", "cpus": 8, "real_memory": 1024, "alloc_cpus": 3, "alloc_memory": 600}
    running = Scene(1).job(1)
    running.allocation = (("cpu001", 1),)
    node = node_record({**raw, "cpu_load": 150, "free_memory": 10, "architecture": "arm64", "operating_system": "L"})
    layout.update_nodes([node], history, 1.0)
    layout.update_partitions([partition_record({"name": "normal", "nodes": "cpu001", "state": "UP"})])
    layout.occupy([running])  # one of 2 CPUs, and another one that belongs to something else
    own = layout.node("cpu001")
    assert (own.free.cpus, own.cpu_load, own.machine) == (5, 1.5, node.machine)
    layout.occupy([])
    assert own.free == Resources(7, (1024 - 600 + 512) * 2**20)
    layout.occupy([running])
    assert own.free.cpus == 5
    layout.update_nodes([node], history, 2.0)
    layout.occupy([])
    assert own.free.cpus == 5


@pytest.mark.parametrize(
    ("paths", "target"),
    [
        (["/slurm/v0.0.38/jobs", "/slurmdb/v0.0.38/jobs"], "/slurmdb/v0.0.38/jobs?step=1%2C2_3"),
        (
            ["/slurm/v0.0.39/jobs", "/slurm/v0.0.40/jobs", "/slurmdb/v0.0.40/jobs/"],
            "/slurmdb/v0.0.40/jobs?step=1&step=2_3&show_duplicates=true",
        ),
        (["/slurm/v0.0.38/jobs"], None),
    ],
)
def test_slurmrestd_is_asked_in_its_own_version(paths: list[str], target: str | None) -> None:
    names = ["step", "users"] if target is None or "38" in target else ["step", "show_duplicates"]
    described = {"get": {"parameters": [{"name": name} for name in names]}}
    nothing = {"errors": [{"error_number": 9003, "error": "Nothing found with query"}], "jobs": []}
    script = [Json(200, {"paths": dict.fromkeys(paths, described)})] + [Json(200, nothing)] * (target is not None)

    async def body() -> dict[str, Any] | None:
        settings = SlurmSettings(server.url, token="t")
        rest = Rest(settings, Tokens(settings, Commands(settings)))
        try:
            return await rest.slurmdb("jobs", step=["1", "2_3"], show_duplicates="true")
        finally:
            await rest.aclose()

    with ScriptedServer(script) as server:
        answer = asyncio.run(body())
    assert (answer or {}).get("jobs") == (None if target is None else [])
    assert [request.target for request in server.requests[1:]] == ([] if target is None else [target])
