"""Updates of jobs and nodes over a WebSocket, read by a client of another make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.s9s_sockets import TOKEN, peer, submit

if TYPE_CHECKING:
    from mock_server import MockServer


PLATFORM = {"Authorization": "Bearer YOUR_API_KEY"}


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ("{", "INVALID_REQUEST", ""),
        ("[]", "INVALID_REQUEST", ""),
        (b"binary", "INVALID_REQUEST", None),
        ("{}", "VALIDATION_ERROR", "action"),
        ('{"action": "shout", "channel": "jobs"}', "VALIDATION_ERROR", "action"),
        ('{"action": "subscribe", "channel": "weather"}', "VALIDATION_ERROR", "channel"),
        ('{"action": "subscribe", "channel": "jobs", "loud": true}', "VALIDATION_ERROR", "loud"),
        ('{"action": "subscribe", "channel": "jobs", "after": -1}', "VALIDATION_ERROR", "after"),
        (
            '{"action": "subscribe", "channel": "jobs", "filter": {"color": "red"}}',
            "VALIDATION_ERROR",
            "filter.color",
        ),
        ('{"action": "subscribe", "channel": "jobs", "filter": {"user": {}}}', "VALIDATION_ERROR", None),
    ],
)
def test_a_mistake_is_told_and_the_socket_stays(
    server: MockServer, message: str | bytes, code: str, field: str | None
) -> None:
    with peer(server) as reader:
        reader.connection.send(message)
        error = reader.next()["error"]
        assert error["code"] == code
        assert set(error) == {"code", "message", "details", "request_id", "timestamp"}
        if field is not None:
            assert error["details"]["field"] == field
        reader.subscribe("jobs")


def test_a_message_that_is_too_large_ends_it(server: MockServer) -> None:
    with peer(server) as reader:
        reader.connection.send("x" * 65_000)
        assert "error" in reader.next()
        reader.connection.send("x" * 65_537)
        with pytest.raises(ConnectionClosed) as caught:
            reader.next()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


def test_unsubscribing_ends_the_updates(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("jobs")
        submit(server)
        assert reader.next()["action"] == "create"
        answer = reader.ask(action="unsubscribe", channel="jobs")
        assert answer == {"action": "unsubscribed", "channel": "jobs", "sequence": 1}
        server.advance(10)
        assert reader.all_so_far() == []


def test_subscribing_again_takes_the_place_of_the_first_time(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("jobs", filter={"user": "nobody"})
        reader.subscribe("jobs", filter={"user": "alice"})
        submit(server)
        messages = reader.all_so_far()
        assert [message["action"] for message in messages] == ["create"]


def test_the_documented_subscription_gets_the_documented_update(server: MockServer) -> None:
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


def test_a_new_job_comes_with_all_its_fields(server: MockServer) -> None:
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
def test_filters_are_equality_on_the_whole_job(server: MockServer, wanted: dict[str, Any], seen: bool) -> None:
    job = submit(server, "sleep 5", job_name="me", partition="cpu")
    with peer(server) as reader:
        wanted = {key: int(job) if value == "{id}" else value for key, value in wanted.items()}
        reader.subscribe("jobs", filter=wanted)
        server.advance(5.5)
        assert bool(reader.all_so_far()) is seen


def test_holding_releasing_priority_and_deletion_are_told(server: MockServer, s9s: httpx.Client) -> None:
    with peer(server) as reader:
        reader.subscribe("jobs", filter={"job_id": "12346"})
        s9s.put("/v1/jobs/12346/release")
        s9s.delete("/v1/jobs/12346")
        httpx.delete(f"{server.url}/v1/jobs/12346", headers=PLATFORM)
        messages = reader.all_so_far()
        assert messages[-1]["action"] == "delete"
        assert messages[-1]["resource_id"] == "12346"
        assert "CANCELLED" in [message["data"].get("state") for message in messages]


def test_a_failed_node_takes_its_job_back(server: MockServer) -> None:
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


def test_a_job_that_comes_and_goes_changes_its_node(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("nodes", filter={"node_name": "node006"})
        submit(server, "sleep 5", partition="cpu", nodes=2, cpus_per_node=32)
        server.advance(6)
        taken, free = reader.all_so_far()
        assert (taken["data"]["state"], taken["data"]["cpu_allocated"]) == ("ALLOCATED", 32)
        assert (free["data"]["state"], free["data"]["jobs"]) == ("IDLE", [])


def test_a_job_more_that_leaves_the_state_as_it_is_tells_nothing(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("nodes", filter={"partitions": "cpu"})
        for _ in range(3):
            submit(server, "sleep 5", partition="cpu", cpus_per_node=2)
        server.advance(1)
        assert [message["data"]["state"] for message in reader.all_so_far()] == ["MIXED"]


def test_a_filter_matches_the_state_before_as_well(server: MockServer) -> None:
    with peer(server) as reader:
        reader.subscribe("nodes", filter={"state": "IDLE", "node_name": "gpu002"})
        server.cluster.fail_node("hpc-cluster", "gpu002", "x")
        assert [message["data"]["state"] for message in reader.all_so_far()] == ["DOWN"]
