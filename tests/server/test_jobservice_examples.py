"""The documented examples of the job service: what is printed is taken, and answered with the same keys and types."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_server import MockServer

EXAMPLES = Path(__file__).parents[1] / "contract" / "examples"
PREFIX = "jobservice."
API = "/api/v1"
ASKED = {
    "jobs_list": "jobs/",
    "jobs_get": "jobs/job-abc123",
    "queues_list": "queues/",
    "queues_get": "queues/high-priority",
    "clusters_list": "clusters/",
    "clusters_get": "clusters/gpu-cluster",
    "metrics_get": "metrics/",
    "health_live": "health/live",
    "health_ready": "health/ready",
}
ELSEWHERE = {"jobs_create.request", "jobs_create", "jobs_cancel", "jobs_logs", "health_ready.degraded", "error"}


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{PREFIX}{name}.json").read_text())


def same_form(found: Any, printed: Any, at: str = "") -> None:
    """Check that an answer has all keys of the example with values of its types; each item of a list as its first."""
    if printed is None or found is None:
        return
    if isinstance(printed, dict):
        assert printed.keys() <= found.keys(), at
        for name, value in printed.items():
            same_form(found[name], value, f"{at}.{name}")
    elif isinstance(printed, list):
        assert isinstance(found, list), at
        for item in found:
            same_form(item, printed[0], f"{at}[]")
    elif isinstance(printed, float | int) and not isinstance(printed, bool):
        assert isinstance(found, float | int), at
        assert isinstance(found, int) or "count" not in at, at
    else:
        assert type(found) is type(printed), at
        assert not re.match("20.*Z$", str(printed)) or re.match("20.*Z$", found), at


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    return make_client(server, key="<token>")


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_has_the_form_of_its_example(server: MockServer, client: httpx.Client, name: str) -> None:
    # Somebody has to wait for a list of those who do.
    client.post(f"{API}/jobs/", json={**example("jobs_create.request"), "resources": {"gpu": 4}})
    answer = client.get(f"{API}/{ASKED[name]}")
    assert answer.status_code == 200
    same_form(answer.json(), example(f"{name}.response"))
    for part in answer.json().values():
        assert part != [], "nothing was compared"


def test_the_printed_job_exists(client: httpx.Client) -> None:
    found, printed = client.get(f"{API}/jobs/job-abc123").json(), example("jobs_get.response")
    fixed = {"created_at", "started_at"}
    assert {name: found[name] for name in printed.keys() - fixed} == {
        name: value for name, value in printed.items() if name not in fixed
    }
    assert found["retry_policy"] == {"max_retries": 3, "backoff_multiplier": 2}


def test_the_printed_request_makes_the_printed_answer(client: httpx.Client) -> None:
    answer = client.post(f"{API}/jobs/", json=example("jobs_create.request"))
    printed = example("jobs_create.response")
    assert answer.status_code == 201
    same_form(answer.json(), printed)
    assert {**answer.json(), **dict.fromkeys(("id", "created_at", "queue_position"))} == {
        **printed,
        **dict.fromkeys(("id", "created_at", "queue_position")),
    }


def test_cancelling_makes_the_printed_answer(client: httpx.Client) -> None:
    answer, printed = client.delete(f"{API}/jobs/job-abc123").json(), example("jobs_cancel.response")
    same_form(answer, printed)
    assert (answer["id"], answer["status"]) == (printed["id"], printed["status"])


def test_the_log_is_the_printed_one(client: httpx.Client) -> None:
    def texts(log: str) -> list[str]:
        return [line.partition(" ")[2] for line in log.splitlines()]

    printed = (EXAMPLES / f"{PREFIX}jobs_logs.response.txt").read_text()
    assert texts(client.get(f"{API}/jobs/job-abc123/logs").text)[:3] == texts(printed)


def test_a_degraded_service_makes_the_printed_answer(server: MockServer, client: httpx.Client) -> None:
    server.health.fail("redis")
    assert client.get(f"{API}/health/ready").json() == example("health_ready.degraded.response")


def test_a_refusal_makes_the_printed_answer(client: httpx.Client) -> None:
    printed = example("error.response")
    answer = client.post(f"{API}/jobs/", json={**example("jobs_create.request"), "priority": 101}).json()
    assert answer["error"].pop("request_id")
    printed["error"].pop("request_id")
    assert answer == printed


def test_no_example_is_left_out() -> None:
    names = {path.name.removeprefix(PREFIX).partition(".response")[0] for path in EXAMPLES.glob(f"{PREFIX}*.response*")}
    requests = {
        path.name.removeprefix(PREFIX).removesuffix(".json") for path in EXAMPLES.glob(f"{PREFIX}*.request.json")
    }
    assert names | requests == ASKED.keys() | ELSEWHERE
