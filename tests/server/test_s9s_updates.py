"""What the channels tell over a WebSocket, read by a client of another make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.job import JobRequest
from tests.server.s9s_sockets import TOKEN, peer, submit

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORM = {"Authorization": "Bearer YOUR_API_KEY"}


class TestJobs:
    def test_the_documented_subscription_gets_the_documented_update(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"user": "alice", "state": "RUNNING"})
            job = submit(server, "sleep 5")
            server.advance(5.5)
            started, completed = reader.all_so_far()
            assert started["data"]["state"] == "RUNNING"
            assert {**completed, "timestamp": "", "data": {}} == {
                "channel": "jobs",
                "action": "update",
                "resource_id": job,
                "timestamp": "",
                "data": {},
                "sequence": completed["sequence"],
                "previous": started["sequence"],
            }
            assert re.fullmatch(r"2024-01-15T10:35:05(\.\d+)?Z", completed["timestamp"])
            assert completed["data"]["job_id"] == job
            assert (completed["data"]["state"], completed["data"]["exit_code"]) == ("COMPLETED", 0)
            assert completed["data"]["end_time"] == completed["timestamp"]

    def test_a_new_job_comes_with_all_its_fields(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"state": "pending"})
            job = submit(server, job_name="born", cpus_per_node=3)
            created = reader.next()
            listed = httpx.get(f"{server.s9s_url}/v1/jobs?limit=1", headers=TOKEN).json()["jobs"][0]
            assert (created["action"], created["resource_id"], created["data"]) == ("create", job, listed)

    @pytest.mark.parametrize(
        ("wanted", "seen"),
        [
            ({"job_id": "{id}"}, True),
            ({"partition": "cpu"}, True),
            ({"partition": "gpu"}, False),
            ({"nodes": "node005"}, True),
            ({"job_name": "me", "qos": "normal", "account": "research"}, True),
            ({"priority": True}, False),
        ],
    )
    def test_filters_are_equality_on_the_whole_job(
        self, server: MockServer, wanted: dict[str, Any], seen: bool
    ) -> None:
        job = submit(server, "sleep 5", job_name="me", partition="cpu")
        with peer(server) as reader:
            wanted = {key: int(job) if value == "{id}" else value for key, value in wanted.items()}
            reader.subscribe("jobs", filter=wanted)
            server.advance(5.5)
            assert bool(reader.all_so_far()) is seen

    def test_holding_releasing_priority_and_deletion_are_told(self, server: MockServer, s9s: httpx.Client) -> None:
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"job_id": "12346"})
            s9s.put("/v1/jobs/12346/release")
            s9s.delete("/v1/jobs/12346")
            httpx.delete(f"{server.url}/v1/jobs/12346", headers=PLATFORM)
            messages = reader.all_so_far()
            assert messages[-1]["action"] == "delete"
            assert messages[-1]["resource_id"] == "12346"
            assert "CANCELLED" in [message["data"].get("state") for message in messages]

    def test_a_failed_node_takes_its_job_back(self, server: MockServer) -> None:
        job = submit(server, "sleep 50", partition="cpu")
        server.advance(1)
        with peer(server) as reader:
            reader.subscribe("jobs", filter={"job_id": job})
            reader.subscribe("nodes", filter={"partitions": "cpu"})
            server.cluster.fail_node("hpc-cluster", "node005", "smoke")
            messages = reader.all_so_far()
            requeued = next(message for message in messages if message["channel"] == "jobs")
            assert (requeued["data"]["state"], requeued["data"]["nodes"]) == ("PENDING", [])
            down = next(message for message in messages if message["resource_id"] == "node005")
            assert (down["data"]["state"], down["data"]["reason"]) == ("DOWN", "smoke")


class TestNodes:
    def test_a_job_that_comes_and_goes_changes_its_node(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("nodes", filter={"node_name": "node006"})
            submit(server, "sleep 5", partition="cpu", nodes=2, cpus_per_node=32)
            server.advance(6)
            taken, free = reader.all_so_far()
            assert (taken["data"]["state"], taken["data"]["cpu_allocated"]) == ("ALLOCATED", 32)
            assert (free["data"]["state"], free["data"]["jobs"]) == ("IDLE", [])

    def test_a_job_more_that_leaves_the_state_as_it_is_tells_nothing(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("nodes", filter={"partitions": "cpu"})
            for _ in range(3):
                submit(server, "sleep 5", partition="cpu", cpus_per_node=2)
            server.advance(1)
            assert [message["data"]["state"] for message in reader.all_so_far()] == ["MIXED"]

    def test_a_filter_matches_the_state_before_as_well(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("nodes", filter={"state": "IDLE", "node_name": "gpu002"})
            server.cluster.fail_node("hpc-cluster", "gpu002", "x")
            assert [message["data"]["state"] for message in reader.all_so_far()] == ["DOWN"]


class TestRegular:
    def test_metrics_come_every_ten_seconds_of_the_clock(self, server: MockServer, s9s: httpx.Client) -> None:
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

    def test_nobody_listens_nobody_counts(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("metrics")
            server.advance(10)
            assert reader.next()["sequence"] == 1
            reader.ask(action="unsubscribe", channel="metrics")
            server.advance(100)
            assert reader.subscribe("metrics")["sequence"] == 1

    def test_the_queue_tells_of_partitions_and_queues(self, server: MockServer) -> None:
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

    def test_everything_can_come_to_rest_while_somebody_listens(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server(world="empty")
        with peer(server) as reader:
            reader.subscribe("metrics")
            assert server.run_until_idle() == server.now()


class TestAlerts:
    def test_a_queue_at_its_limit_is_told_of_once(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("alerts", filter={"type": "queue_limit"})
            request = JobRequest("n", "sleep 60", "user_456", queue="high-priority")
            for _ in range(53):
                server.cluster.submit(request)
            server.advance(1)
            (alert,) = reader.all_so_far()
            assert alert["resource_id"] == alert["data"]["queue"] == "high-priority"
            assert alert["data"]["jobs_pending"] == 53 - 49  # one of the examples runs there too
            server.advance(600)
            assert reader.all_so_far() == []
            for _ in range(51):
                server.cluster.submit(request)
            server.advance(1)
            assert len(reader.all_so_far()) == 1

    def test_what_calls_for_somebody(self, server: MockServer, s9s: httpx.Client) -> None:
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

    def test_alerts_can_be_filtered(self, server: MockServer) -> None:
        with peer(server) as reader:
            reader.subscribe("alerts", filter={"severity": "critical"})
            submit(server, "exit 3")
            server.advance(5)
            server.cluster.fail_node("hpc-cluster", "gpu002", "x")
            assert [message["data"]["type"] for message in reader.all_so_far()] == ["node_down"]
