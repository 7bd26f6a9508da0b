"""A server that backfills, seen through its APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.__main__ import main
from mock_server.cluster.priority import Weights
from mock_server.cluster.ranking import WEIGHTS

if TYPE_CHECKING:
    from mock_server.cluster.founding import SchedulerName

WORK = [("long", 1, "1h"), ("wide", 2, "1h"), ("short", 1, "30m"), ("longer", 1, "2h")]


def states(server: MockServer) -> dict[str, str]:
    jobs = server.cluster.jobs.values()
    return {job.name: job.state.value for job in jobs if job.name in {name for name, _, _ in WORK}}


@pytest.mark.parametrize(("scheduler", "short"), [("fcfs", "queued"), ("easy", "running"), ("conservative", "running")])
def test_who_overtakes_is_the_scheduler_s_choice(scheduler: SchedulerName, short: str) -> None:
    with (
        MockServer(clock="manual", scheduler=scheduler, s9s_port=0, check_invariants=True) as server,
        httpx.Client(base_url=server.s9s_url, headers={"X-API-Key": "YOUR_API_KEY"}) as s9s,
    ):
        for name, nodes, limit in WORK:
            job = {"job_name": name, "script": f"sleep {limit}", "partition": "cpu", "nodes": nodes}
            answer = s9s.post("/v1/jobs", json={**job, "cpus_per_node": 32, "time_limit": limit})
            assert answer.status_code == 201
        server.advance(1)
        assert states(server) == {"long": "running", "wide": "queued", "short": short, "longer": "queued"}
        server.advance(1800)
        nodes_of_cpu = s9s.get("/v1/nodes", params={"partition": "cpu"}).json()["nodes"]
        words = [node["state"] for node in nodes_of_cpu]
        assert words == ["ALLOCATED", "IDLE" if scheduler == "fcfs" else "PLANNED"]
        server.run_until_idle()
        wide = next(job for job in server.cluster.jobs.values() if job.name == "wide")
        long = next(job for job in server.cluster.jobs.values() if job.name == "long")
        assert wide.started_at == long.ended_at


@pytest.mark.parametrize(
    ("weights", "order"),
    [(Weights(), [1, 2, 3]), (Weights(size=100), [2, 1, 3]), (Weights(qos=100), [3, 1, 2]), (WEIGHTS, [3, 1, 2])],
)
def test_who_comes_first_is_a_matter_of_weights(weights: Weights, order: list[int]) -> None:
    with (
        MockServer(clock="manual", weights=weights, s9s_port=0, check_invariants=True) as server,
        httpx.Client(base_url=server.s9s_url, headers={"X-API-Key": "YOUR_API_KEY"}) as s9s,
    ):
        for number, cpus, qos in [(0, 16, "normal"), (1, 16, "normal"), (2, 32, "normal"), (3, 16, "high")]:
            job = {"job_name": f"{number}", "script": "sleep 1h", "partition": "gpu", "nodes": 4, "qos": qos}
            assert s9s.post("/v1/jobs", json={**job, "cpus_per_node": cpus, "account": "research"}).status_code == 201
        server.run_until_idle()
        jobs = [job for job in server.cluster.jobs.values() if job.name in {"1", "2", "3"}]
        assert [int(job.name) for job in sorted(jobs, key=lambda job: job.started_at or 0.0)] == order


def test_an_unknown_scheduler_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="scheduler must be fcfs, easy or conservative"):
        MockServer(scheduler="sjf")  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        main(["--scheduler", "sjf"])
    assert "invalid choice: 'sjf'" in capsys.readouterr().err
