"""What else the channels tell, to how many, and that it is the truth."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.server.s9s_sockets import peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer


def test_metrics_come_every_ten_seconds_of_the_clock(server: MockServer, s9s: httpx.Client) -> None:
    with peer(server) as reader:
        reader.subscribe("metrics")
        submit(server, "sleep 15", partition="cpu", nodes=1, cpus_per_node=32)
        server.advance(30)
        updates = reader.all_so_far()
        assert [update["timestamp"] for update in updates] == [f"2024-01-15T10:35:{s}Z" for s in (10, 20, 30)]
        running = [update["data"]["job_counts"]["RUNNING"] for update in updates]
        assert running[0] > running[2]  # each is of its own instant
        now = s9s.get("/v1/metrics/cluster").json()
        last = dict(updates[-1]["data"])
        assert last.pop("scope") == "cluster"
        assert last == {key: value for key, value in now.items() if key != "timestamp"}


def test_nobody_listens_nobody_counts(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("metrics")
        server.advance(10)
        assert reader.next()["sequence"] == 1
        reader.ask(action="unsubscribe", channel="metrics")
        server.advance(100)
        assert reader.subscribe("metrics")["sequence"] == 1


def test_the_queue_tells_of_partitions_and_queues(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("queue", filter={"partition": "cpu"})
        submit(server, "sleep 100", partition="cpu", nodes=2, cpus_per_node=32)
        submit(server, "sleep 100", partition="cpu", nodes=2, cpus_per_node=32)
        server.advance(10)
        expected = {"partition": "cpu", "jobs_running": 1, "jobs_pending": 1, "oldest_wait": 10}
        assert reader.next()["data"] == expected
        reader.subscribe("queue", filter={"queue": "default"})
        server.advance(10)
        assert reader.next()["data"]["max_concurrency"] == 100


def test_everything_can_come_to_rest_while_somebody_listens(make_server: Callable[..., MockServer]) -> None:
    server = make_server(world="empty")
    with peer(server) as reader:
        reader.subscribe("metrics")
        assert server.run_until_idle() == server.now()


def test_what_calls_for_somebody(server: MockServer, s9s: httpx.Client) -> None:
    with peer(server) as reader:
        reader.subscribe("alerts")
        failed = submit(server, "exit 3")
        late = submit(server, "sleep 60", time_limit="0:00:10")
        submit(server, "true")
        server.advance(20)
        server.cluster.fail_node("hpc-cluster", "gpu002", "no power")
        s9s.put("/v1/nodes/gpu001/drain", json={"reason": "new disk"})
        alerts = {message["data"]["type"]: message for message in reader.all_so_far()}
        assert set(alerts) == {"job_failed", "job_timeout", "node_down", "node_drained"}
        assert alerts["job_failed"]["data"]["job_id"] == failed
        assert alerts["job_failed"]["data"]["exit_code"] == 3
        assert alerts["job_timeout"]["data"]["job_id"] == late
        assert alerts["node_down"]["data"]["severity"] == "critical"
        assert "no power" in alerts["node_down"]["data"]["message"]
        assert alerts["node_drained"]["resource_id"] == "gpu001"


def test_alerts_can_be_filtered(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("alerts", filter={"severity": "critical"})
        submit(server, "exit 3")
        server.advance(5)
        server.cluster.fail_node("hpc-cluster", "gpu002", "x")
        assert [message["data"]["type"] for message in reader.all_so_far()] == ["node_down"]


def test_many_readers_get_the_same(server: MockServer) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(peer(server)) for _ in range(40)]
        for reader in readers:
            reader.subscribe("jobs", filter={"user": "alice"})
        for _ in range(5):
            submit(server, "sleep 1")
        server.advance(5)
        told = [reader.all_so_far() for reader in readers]
        assert all(messages == told[0] for messages in told)
        assert len(told[0]) >= 15


def test_history_and_polling_tell_one_story(server: MockServer, s9s: httpx.Client) -> None:
    """I14: whoever adds up the updates knows what a list says, at every instant."""

    def polled() -> tuple[dict[str, Any], dict[str, Any]]:
        jobs = {job["job_id"]: job for job in s9s.get("/v1/jobs?limit=1000").json()["jobs"]}
        return jobs, {node["node_name"]: node["state"] for node in s9s.get("/v1/nodes").json()["nodes"]}

    moving = ("elapsed_time",)  # which grows without an event
    with peer(server) as reader:
        reader.subscribe("jobs")
        reader.subscribe("nodes")
        jobs, nodes = polled()
        for step in range(8):
            submit(server, f"sleep {step}; exit {step % 3}", partition=("cpu", "normal")[step % 2], nodes=1 + step % 2)
            if step == 3:
                s9s.put("/v1/jobs/12346/release")
            if step == 6:
                server.cluster.fail_node("hpc-cluster", "node005", "x")
            if step == 7:
                server.cluster.restore_node("hpc-cluster", "node005")
            server.advance(1.7)
            for message in reader.all_so_far():
                if message["channel"] == "nodes":
                    nodes[message["resource_id"]] = message["data"]["state"]
                else:
                    jobs.setdefault(message["resource_id"], {}).update(message["data"])
            now_jobs, now_nodes = polled()
            assert nodes == now_nodes
            assert [{**job, **dict.fromkeys(moving)} for job in jobs.values()] == [
                {**now_jobs[job_id], **dict.fromkeys(moving)} for job_id in jobs
            ]
            assert jobs.keys() == now_jobs.keys()
