"""Every documented request of S9S is accepted, and every answer has the keys and types of the printed one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from tests.server.s9s_samples import SAMPLES, assert_like, sample

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGINS = re.compile(r"https://api(-test)?\.example\.com")


def test_a_list_of_jobs_is_as_printed(s9s: httpx.Client) -> None:
    answer = s9s.get("/v1/jobs", params={"state": "RUNNING", "user": "alice", "limit": 50}).json()
    printed = sample("jobs_list.response")
    assert_like(answer, printed)
    (job,) = [job for job in answer["jobs"] if job["job_id"] == "12345"]
    assert set(job) == set(printed["jobs"][0])
    for name in ("job_name", "user", "account", "partition", "state", "nodes", "node_count", "cpu_count", "memory"):
        assert job[name] == printed["jobs"][0][name], name
    for name in ("gpus", "priority", "qos", "working_directory", "time_limit", "standard_output", "standard_error"):
        assert job[name] == printed["jobs"][0][name], name


def test_a_job_is_as_printed_and_knows_what_the_list_knows(s9s: httpx.Client) -> None:
    answer = s9s.get("/v1/jobs/12345").json()
    printed = {**sample("jobs_list.response")["jobs"][0], **sample("jobs_get.response")}
    assert_like(answer, printed)
    assert set(answer) == set(printed)
    assert answer["command"] == printed["command"]
    assert answer["environment"] == printed["environment"]


def test_a_node_is_as_printed(s9s: httpx.Client) -> None:
    printed = sample("nodes_list.response")
    answer = s9s.get("/v1/nodes").json()
    assert_like(answer, printed)
    (node,) = [node for node in answer["nodes"] if node["node_name"] == "node001"]
    assert set(node) == set(printed["nodes"][0])
    for name in ("state", "partitions", "cpu_total", "memory_total", "gpus_total", "features", "architecture", "os"):
        assert node[name] == printed["nodes"][0][name], name
    assert set(node["jobs"]) == {"12345", "12347"}


def test_a_user_is_as_printed(s9s: httpx.Client) -> None:
    printed = sample("users_list.response")
    answer = s9s.get("/v1/users").json()
    assert_like(answer, printed)
    (alice,) = [user for user in answer["users"] if user["username"] == "alice"]
    assert set(alice) == set(printed["users"][0])
    assert (alice["default_account"], alice["admin_level"]) == ("research", "none")
    assert printed["users"][0]["associations"][0] in alice["associations"]


def test_a_partition_is_as_printed(s9s: httpx.Client) -> None:
    printed = sample("partitions_list.response")
    answer = s9s.get("/v1/partitions").json()
    assert_like(answer, printed)
    (gpu,) = [partition for partition in answer["partitions"] if partition["name"] == "gpu"]
    assert set(gpu) == set(printed["partitions"][0])
    for name in ("state", "default_time", "max_time", "max_nodes", "priority", "qos"):
        assert gpu[name] == printed["partitions"][0][name], name


@pytest.mark.parametrize("name", ["jobs_submit", "jobs_submit.curl", "jobs_submit.test_curl"])
def test_the_printed_submissions_are_accepted(s9s: httpx.Client, name: str) -> None:
    answer = s9s.post("/v1/jobs", json=sample(f"{name}.request"))
    assert answer.status_code == 201
    assert_like(answer.json(), sample("jobs_submit.response"))
    assert {**answer.json(), "job_id": ""} == {**sample("jobs_submit.response"), "job_id": ""}


@pytest.mark.parametrize(
    ("method", "path", "request_name", "response_name"),
    [
        ("DELETE", "/v1/jobs/12345?force=true", None, "jobs_cancel.response"),
        ("PUT", "/v1/jobs/12345/hold", "jobs_hold.request", None),
        ("PUT", "/v1/jobs/12345/hold", "jobs_hold.curl.request", None),
        ("PUT", "/v1/jobs/12345/priority", "jobs_priority.request", None),
        ("POST", "/v1/jobs/bulk", "jobs_bulk.request", "jobs_bulk.response"),
        ("PUT", "/v1/nodes/node001/drain", "nodes_drain.request", None),
        ("PUT", "/v1/nodes/node001/state", "nodes_state.request", None),
        ("POST", "/oauth/token", "oauth_token.request", None),
    ],
)
def test_the_printed_actions_are_done(
    s9s: httpx.Client, method: str, path: str, request_name: str | None, response_name: str | None
) -> None:
    body = None if request_name is None else sample(request_name)
    answer = s9s.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    if response_name is not None:
        assert_like(answer.json(), sample(response_name))
    if response_name == "jobs_cancel.response":
        assert answer.json() == sample(response_name)


def test_a_refusal_is_as_printed(s9s: httpx.Client) -> None:
    answer = s9s.get("/v1/jobs/99999")
    printed = sample("error.response")
    assert answer.status_code == 404
    variable = {"request_id": "", "timestamp": ""}
    assert {**answer.json()["error"], **variable} == {**printed["error"], **variable}
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-ID"]


def run(server: MockServer, name: str, **environment: str) -> Any:
    script = ORIGINS.sub(server.s9s_url, (SAMPLES / f"{name}.sh").read_text()).replace("curl", "curl -sS", 1)
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20, env=environment or None
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
class TestCurl:
    """The documented commands, with the address of the server in place of the printed one."""

    @pytest.mark.parametrize("name", ["auth_token", "auth_api_key", "oauth_use_token"])
    def test_lists_with_each_kind_of_credential(self, server: MockServer, name: str) -> None:
        assert run(server, f"004_{name}")["total"] > 3

    def test_gets_a_token(self, server: MockServer) -> None:
        assert run(server, "004_oauth_token")["token_type"] == "Bearer"

    def test_submits(self, server: MockServer) -> None:
        job = server.cluster.job(run(server, "004_jobs_submit")["job_id"])
        assert (job.name, job.request.command, job.time_limit) == ("test_job", "/home/alice/test.sh", 3600)

    def test_uses_the_test_environment(self, make_server: Callable[..., MockServer]) -> None:
        server = make_server()
        exports = (SAMPLES / "004_test_env.sh").read_text()
        assert 'S9S_API_TOKEN="test_token_123"' in exports
        environment = {"S9S_API_URL": server.s9s_url, "S9S_API_TOKEN": "test_token_123", "PATH": "/usr/bin:/bin"}
        assert run(server, "004_test_auth", **environment)["status"] == "ok"
        assert len(run(server, "004_test_jobs_list", **environment)["jobs"]) <= 10
        job = server.cluster.job(run(server, "004_test_jobs_submit", **environment)["job_id"])
        server.run_until_idle()
        assert (job.state, job.ended_at - job.started_at) == ("completed", 60)  # type: ignore[operator]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("jobs_list", {"limit": 50, "offset": 0}),
            ("jobs_get", {"job_id": "12345", "state": "RUNNING"}),
            ("jobs_cancel", {"job_id": "12345", "state": "CANCELLED"}),
            ("jobs_hold", {"job_id": "12345", "state": "RUNNING", "reason": "Need to debug"}),
        ],
    )
    def test_without_credentials(
        self, make_server: Callable[..., MockServer], server: MockServer, name: str, expected: dict[str, Any]
    ) -> None:
        assert run(server, f"004_{name}")["error"]["code"] == "AUTHENTICATION_FAILED"
        answer = run(make_server(anonymous_s9s=True), f"004_{name}")
        assert {key: answer[key] for key in expected} == expected
