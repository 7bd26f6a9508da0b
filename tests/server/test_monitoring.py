"""Metrics over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_server.cluster.backend import Measure
from mock_server.cluster.simulated import SimulatedCluster

if TYPE_CHECKING:
    import httpx

    from mock_server import MockServer

JOB = "/v1/monitoring/jobs/job_123/metrics"
CLUSTER = "/v1/monitoring/clusters/gpu-cluster/metrics"


def series(client: httpx.Client, path: str, query: str = "") -> list[tuple[str, Any, Any, Any]]:
    points = client.get(f"{path}?{query}").json()["metrics"]
    names = ("cpu_percent", "memory_percent", "gpu_percent")
    return [(point["timestamp"].removeprefix("2024-01-15T"), *map(point.get, names)) for point in points]


def test_a_job_shows_what_it_uses_of_what_it_asked_for(server: MockServer, client: httpx.Client) -> None:
    assert client.get(JOB).json()["job_id"] == "job_123"
    used = server.cluster.job("job_123").appetite
    assert used is not None
    cpu, memory, gpu = 100 * used.cpu, 100 * used.memory, 100 * used.gpu
    # Memory grows for a minute: its mean over the first 100 seconds is that of 30 seconds without, 70 with it.
    assert series(client, JOB, "step=100") == [
        ("10:31:00Z", pytest.approx(cpu), 0, pytest.approx(gpu)),
        ("10:32:40Z", pytest.approx(cpu), pytest.approx(0.7 * memory), pytest.approx(gpu)),
        ("10:34:20Z", pytest.approx(cpu), pytest.approx(memory), pytest.approx(gpu)),
        ("10:35:00Z", pytest.approx(cpu), pytest.approx(memory), pytest.approx(gpu)),
    ]
    assert 50 < cpu < 100
    assert len(series(client, JOB)) == 13
    server.advance(9000)
    assert series(client, JOB)[-1][0] == "11:35:00Z"


def test_a_job_that_only_sleeps_uses_next_to_nothing(server: MockServer, client: httpx.Client) -> None:
    resources = {"memory": "8GB", "gpus": 1}
    body = {"name": "n", "command": "sleep 600", "cluster": "gpu-cluster", "resources": resources}
    job = client.post("/v1/jobs", json=body).json()
    server.advance(300)
    points = series(client, f"/v1/monitoring/jobs/{job['id']}/metrics", "created_after=2024-01-15T10:37:00Z")
    assert {point[1:] for point in points} == {(0.1, 1, 0)}


def test_a_job_has_nothing_between_a_failed_node_and_its_next_start(server: MockServer, client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "sleep 60", "cluster": "cluster_456"}).json()
    server.advance(10.1)
    server.cluster.fail_node("cluster_456", "specific-cluster-001")
    server.run_until_idle()
    points = series(client, f"/v1/monitoring/jobs/{job['id']}/metrics", "step=5")
    assert [point[1] for point in points] == [0.1, 0.1, 0.1, 0, *[0.1] * 12]
    assert {point[3] for point in points} == {None}
    assert points[0][0] == "10:35:00.100000Z"


def test_a_job_that_was_cancelled_while_it_waited_for_another_node(server: MockServer, client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "sleep 60", "cluster": "cluster_456"}).json()
    server.advance(10.1)
    server.cluster.fail_node("cluster_456", "specific-cluster-001")
    server.advance(2)
    client.patch(f"/v1/jobs/{job['id']}", json={"status": "cancelled"})
    server.advance(100)
    points = series(client, f"/v1/monitoring/jobs/{job['id']}/metrics", "step=2")
    assert [point[1] for point in points] == [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0]


def test_a_job_that_waits_has_no_series(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "true"}).json()
    assert series(client, f"/v1/monitoring/jobs/{job['id']}/metrics") == []


def test_a_job_without_memory(server: MockServer, client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json={"name": "n", "command": "sleep 9", "resources": {"memory": "0GB"}}).json()
    server.advance(0.1)
    path = f"/v1/monitoring/jobs/{job['id']}/metrics"
    assert series(client, path) == [("10:35:00.100000Z", 0.1, 0, None)]
    server.advance(5)
    assert {point[1:] for point in series(client, path)} == {(0.1, 0, None)}


@pytest.mark.parametrize("name", ["job_123", "job_121", "job-12345"])
def test_an_embed_is_the_same(client: httpx.Client, name: str) -> None:
    embedded = client.get(f"/v1/jobs/{name}?include=metrics").json()["metrics"]
    assert embedded == client.get(f"/v1/monitoring/jobs/{name}/metrics").json()


def test_a_cluster_by_id_or_name(client: httpx.Client) -> None:
    found = client.get(CLUSTER).json()
    assert found["cluster_id"] == "cluster_abc"
    assert found == client.get(CLUSTER.replace("gpu-cluster", "cluster_abc")).json()
    assert found == client.get("/v1/clusters/cluster_abc?include=metrics").json()["metrics"]


def test_a_cluster_has_what_ran_of_what_was_there(server: MockServer, client: httpx.Client) -> None:
    # Of 128 cores, 1024 GB and 16 GPUs one job has 2, 8.59 and 1 since 10:10, another one 4, 8 and 1 since 10:31.
    gigabytes = 8 * 1.024**3
    assert series(client, CLUSTER)[-2:] == [
        ("10:30:00Z", pytest.approx(100 * 2 / 128), pytest.approx(100 * gigabytes / 1024), pytest.approx(100 / 16)),
        ("10:35:00Z", 2.5 + 1.5625, pytest.approx(0.625 + 100 * gigabytes / 1024), 5 + 6.25),
    ]
    server.cluster.fail_node("cluster_abc", "gpu-node-04")
    server.advance(60)
    last = series(client, CLUSTER, "created_after=2024-01-15T10:35:00Z")[-1]
    assert last == (
        "10:36:00Z",
        pytest.approx(100 * 6 / 96),
        pytest.approx(100 * (8 + gigabytes) / 768),
        pytest.approx(200 / 12),
    )


@pytest.mark.parametrize(
    ("query", "first", "last", "count"),
    [
        ("", "09:35:00Z", "10:35:00Z", 13),
        ("step=600", "09:35:00Z", "10:35:00Z", 7),
        ("step=1", "09:35:00Z", "10:35:00Z", 1000),
        ("step=4000", "09:35:00Z", "10:35:00Z", 2),
        ("created_before=2024-01-15T09:00:00Z", "08:00:00Z", "09:00:00Z", 13),
        ("created_after=2024-01-15T10:00:00Z&step=900", "10:00:00Z", "10:35:00Z", 4),
        ("updated_after=2024-01-15T10:00:00Z&updated_before=2024-01-15T10:10:00Z", "10:00:00Z", "10:10:00Z", 13),
        ("created_after=2024-01-15T10:00:00Z&updated_after=2024-01-15T10:20:00Z", "10:20:00Z", "10:35:00Z", 13),
        ("created_after=2024-01-15T10:35:00Z", "10:35:00Z", "10:35:00Z", 1),
        ("created_after=2024-01-15T10:00:00Z&created_before=2025-01-01", "10:00:00Z", "10:35:00Z", 13),
    ],
)
def test_the_bounds_and_the_step(client: httpx.Client, query: str, first: str, last: str, count: int) -> None:
    found = series(client, CLUSTER, query)
    assert (found[0][0], found[-1][0], len(found)) == (first, last, count)


def test_a_series_begins_with_the_cluster(client: httpx.Client) -> None:
    points = client.get(f"{CLUSTER}?created_after=2000-01-01&step=1").json()["metrics"]
    assert (points[0]["timestamp"], len(points)) == ("2024-01-01T00:00:00Z", 1000)


@pytest.mark.parametrize("path", [JOB, CLUSTER])
def test_outside_there_is_nothing(client: httpx.Client, path: str) -> None:
    assert series(client, path, "created_after=2024-01-16") == []
    assert series(client, path, "created_before=2023-01-01") == []


@pytest.mark.parametrize("path", [JOB, CLUSTER])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("metrics=gpu_percent", {"gpu_percent"}),
        ("metrics=cpu_percent,gpu_percent", {"cpu_percent", "gpu_percent"}),
        ("metrics=cpu_percent&metrics=memory_percent&metrics=cpu_percent", {"cpu_percent", "memory_percent"}),
    ],
)
def test_only_what_was_chosen_is_in_a_point(client: httpx.Client, path: str, query: str, names: set[str]) -> None:
    whole = client.get(path).json()["metrics"]
    chosen = client.get(f"{path}?{query}").json()["metrics"]
    assert len(chosen) == 13
    assert chosen == [{name: point[name] for name in ("timestamp", *names)} for point in whole]


def test_what_the_backend_does_not_watch_is_refused_by_name_only(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get(CLUSTER).json()
    unmeasured = {Measure.GPU: "it has no eyes", Measure.MEMORY_SERIES: "it forgets"}
    monkeypatch.setattr(SimulatedCluster, "unmeasured", unmeasured)
    for names, word in [("gpu_percent", "GPU utilisation"), ("cpu_percent,gpu_percent", "GPU utilisation")]:
        answer = client.get(f"{JOB}?metrics={names}")
        assert (answer.status_code, answer.json()["error"]) == (501, "not_supported")
        assert answer.json()["message"] == f"{word} is not supported by this backend: it has no eyes"
    memory = client.get(f"{JOB}?metrics=memory_percent").json()
    assert memory["message"] == "Memory over time is not supported by this backend: it forgets"
    assert client.get(f"{JOB}?metrics=cpu_percent").status_code == 200
    assert set(client.get(JOB).json()["metrics"][0]) == {"timestamp", "cpu_percent", "memory_percent", "gpu_percent"}
    # Of a cluster it is what has been given to jobs, which every backend knows.
    assert client.get(f"{CLUSTER}?metrics=cpu_percent,memory_percent,gpu_percent").json() == whole


@pytest.mark.parametrize("query", ["metrics=", "metrics=gpu", "metrics=cpu_percent,", "metrics=cpu_efficiency"])
@pytest.mark.parametrize("path", [JOB, CLUSTER])
def test_a_figure_that_there_is_not_is_refused_with_those_that_there_are(
    client: httpx.Client, path: str, query: str
) -> None:
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()["details"]["field"].partition(".")[0]) == (400, "metrics")
    assert "'cpu_percent', 'memory_percent' or 'gpu_percent'" in answer.json()["message"]


@pytest.mark.parametrize("query", ["step=0", "step=-5", "step=x", "created_after=x", "limit=5"])
def test_nonsense_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"{JOB}?{query}").status_code == 400
    assert client.get(f"{CLUSTER}?{query}").status_code == 400


@pytest.mark.parametrize(("path", "kind"), [(JOB, "job"), (CLUSTER, "cluster")])
def test_an_unknown_subject_is_not_found(client: httpx.Client, path: str, kind: str) -> None:
    response = client.get(path.replace("job_123", "nothing").replace("gpu-cluster", "nothing"))
    assert (response.status_code, response.json()["details"]) == (404, {"resource": kind, "id": "nothing"})
