"""The documented JSON examples: models keep them exactly, calls send and read them, the server answers in their shape."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mock_server import Credential, MockServer
from tests.contract.reference import HERE, reference
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import Job, JobTemplate, exceptions
from vantage_sdk.models.base import Model
from vantage_sdk.models.job import JobResources, JobSpec, JobSpecResources

EXAMPLES = HERE / "examples"


def example(name: str) -> Any:
    """Return a documented example of the platform."""
    return json.loads((EXAMPLES / f"platform.{name}.json").read_text())


LIST, ERROR = example("jobs_list.response"), example("error.response")
FLAT, TEMPLATE = example("jobs_create.request"), example("jobs_create.sdk_template.request")
JOB = LIST["jobs"][0]
FAULTS = [
    (400, "validation_error", exceptions.ValidationError),
    (401, "authentication_failed", exceptions.AuthenticationError),
    (403, "permission_denied", exceptions.AuthorizationError),
    (404, "resource_not_found", exceptions.ResourceNotFoundError),
    (409, "resource_conflict", exceptions.ConflictError),
    (422, "validation_error", exceptions.ValidationError),
    (429, "rate_limit_exceeded", exceptions.RateLimitError),
    (500, "internal_error", exceptions.ServerError),
    (503, "internal_error", exceptions.ServerError),
    (405, "method_not_allowed", exceptions.VantageAPIError),
]
SERVER_FAULTS: list[tuple[int, str, Callable[[httpx.Client], httpx.Response]]] = [
    (400, "validation_error", lambda client: client.post("/v1/jobs", json={"name": "", "command": "true"})),
    (401, "authentication_failed", lambda client: client.get("/v1/jobs", headers={"Authorization": "Bearer no"})),
    (403, "permission_denied", lambda client: client.delete("/v1/jobs/job_123", headers={"Authorization": "Bearer r"})),
    (404, "resource_not_found", lambda client: client.get("/v1/jobs/none")),
    (409, "resource_conflict", lambda client: client.patch("/v1/jobs/job_121", json={"status": "cancelled"})),
    (429, "rate_limit_exceeded", lambda client: client.get("/v1/clusters")),
    (500, "internal_error", lambda client: client.get("/v1/clusters")),
]


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A server that also knows a key which may only read."""
    with MockServer(clock="manual", api_keys=[Credential("r", can_write=False)]) as running:
        yield running


@pytest.fixture
def wire(server: MockServer) -> Iterator[httpx.Client]:
    """A plain HTTP client, so that nothing of the SDK stands between a test and the server."""
    headers = {"Authorization": "Bearer YOUR_API_KEY"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, verify=False) as client:
        yield client


@pytest.mark.parametrize(
    ("model", "sample"),
    [
        (Job, JOB),
        (JobResources, JOB["resources"]),
        (JobTemplate, TEMPLATE),
        (JobSpec, TEMPLATE["spec"]),
        (JobSpecResources, TEMPLATE["spec"]["resources"]),
        (JobResources, FLAT["resources"]),
    ],
)
def test_a_model_keeps_a_sample_exactly(
    model: type[Model], sample: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        read = model.from_dict(sample)
    assert read.to_dict() == sample
    assert json.dumps(read.to_dict()) == json.dumps(sample)
    assert read.extra == {}
    assert caplog.messages == []
    assert model.from_dict(json.loads(json.dumps(read.to_dict()))) == read


def test_the_fields_of_the_sample_job_have_their_types() -> None:
    job = Job.from_dict(JOB)
    assert (job.id, job.name, job.status, job.cluster_id, job.user_id, job.command) == (
        "job_123",
        "simulation-run-1",
        "running",
        "cluster_abc",
        "user_456",
        "python simulate.py",
    )
    assert (job.resources.cpus, job.resources.memory, job.resources.gpus) == (4, "8GB", 1)
    assert job.created_at == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert job.started_at == datetime(2024, 1, 15, 10, 31, tzinfo=UTC)
    assert job.completed_at is None
    assert job.spec.command == ["python", "simulate.py"]
    assert job.spec.resources.to_dict() == {"cpu": "4", "memory": "8GB", "gpu": 1}


async def test_the_sample_list_is_a_page(face: Face) -> None:
    with ScriptedServer([Json(200, LIST)]) as server:
        async with face.client(server.url) as client:
            page = await client.jobs.list(limit=10, status="running")
    assert (server.requests[0].path, server.requests[0].query) == ("/v1/jobs", {"limit": "10", "status": "running"})
    assert [job.to_dict() for job in page.items] == LIST["jobs"]
    assert [*page] == page.items
    assert (len(page), page[0].id) == (1, "job_123")
    assert (page.total, page.page, page.limit, page.offset) == (1, 1, 10, 0)
    assert (page.has_next, page.next_page_token) == (False, None)


@pytest.mark.parametrize(("status", "code", "kind"), FAULTS)
async def test_the_sample_error_is_the_exception_of_its_status(
    face: Face, status: int, code: str, kind: type[exceptions.VantageAPIError]
) -> None:
    for body in (ERROR, {**ERROR, "error": code}):
        with ScriptedServer([Json(status, body)]) as server:
            async with face.client(server.url, max_retries=0) as client:
                with pytest.raises(exceptions.VantageAPIError) as caught:
                    await client.jobs.get("job_123")
        error = caught.value
        assert type(error) is kind
        assert (error.status_code, error.code, error.message) == (status, body["error"], ERROR["message"])
        assert (error.details, error.request_id) == (ERROR["details"], "req_123456789")


async def test_the_flat_body_is_sent_byte_for_byte(face: Face) -> None:
    with ScriptedServer([Json(201, JOB)]) as server:
        async with face.client(server.url) as client:
            job = await client.jobs.submit(FLAT)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/jobs")
    assert request.body == json.dumps(FLAT, separators=(",", ":")).encode()
    assert request.header("content-type") == "application/json"
    assert job.to_dict() == JOB


async def test_the_template_travels_with_its_spec_untouched(face: Face) -> None:
    with ScriptedServer([Json(201, JOB), Json(201, JOB)]) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(TEMPLATE)
            await client.jobs.submit(JobTemplate.from_dict(TEMPLATE))
    mapping, model = (request.json() for request in server.requests)
    assert json.dumps(mapping["spec"]) == json.dumps(TEMPLATE["spec"])
    flat = {"command": "echo hello", "resources": {"cpus": 2, "memory": "4Gi"}}
    assert mapping == {**TEMPLATE, **flat}
    assert model == mapping


async def test_overrides_go_beside_the_template_and_leave_it_alone(face: Face) -> None:
    before = json.dumps(TEMPLATE)
    with ScriptedServer([Json(201, JOB)]) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(TEMPLATE, cluster="specific-cluster", priority=10, env={"MY_VAR": "value"})
    sent = server.requests[0].json()
    overrides = {"cluster_id": "specific-cluster", "priority": 10, "environment": {"MY_VAR": "value"}}
    assert sent.items() >= {**TEMPLATE, **overrides}.items()
    assert not sent.keys() & {"cluster", "env"}
    assert json.dumps(TEMPLATE) == before


def shaped(sample: Any, answer: Any, place: str = "body") -> None:
    """Check that an answer has every key of a sample with a value of the same type; further keys may be there."""
    if isinstance(sample, dict):
        assert isinstance(answer, dict), place
        assert not sample.keys() - answer.keys(), place
        for name, value in sample.items():
            shaped(value, answer[name], f"{place}.{name}")
    elif isinstance(sample, list):
        assert isinstance(answer, list), place
        for item in answer:
            shaped(sample[0], item, f"{place}[]")
    elif sample is not None:
        assert type(answer) is type(sample), place


def test_the_server_lists_in_the_shape_of_the_sample(wire: httpx.Client) -> None:
    response = wire.get("/v1/jobs", params={"limit": 10, "status": "running"})
    body = response.json()
    shaped(LIST, body)
    assert body["jobs"]
    assert body.keys() == LIST.keys()
    sample = next(job for job in body["jobs"] if job["id"] == JOB["id"])
    times = {"created_at", "started_at"}
    assert {name: sample[name] for name in JOB if name not in times} == {n: v for n, v in JOB.items() if n not in times}
    for job in body["jobs"]:
        assert all(isinstance(job[name], str) and job[name].endswith("Z") for name in times)


@pytest.mark.parametrize("sent", [FLAT, TEMPLATE], ids=["flat", "template"])
def test_the_server_accepts_both_printed_bodies(wire: httpx.Client, sent: dict[str, Any]) -> None:
    response = wire.post("/v1/jobs", json=sent)
    assert response.status_code == 201
    shaped({**JOB, "started_at": None}, response.json())
    assert response.json().items() >= sent.items()


@pytest.mark.parametrize(("status", "code", "provoke"), SERVER_FAULTS)
def test_the_server_fails_in_the_shape_of_the_sample(
    server: MockServer, wire: httpx.Client, status: int, code: str, provoke: Callable[[httpx.Client], httpx.Response]
) -> None:
    if status in (429, 500):
        server.faults.set(f"GET /v1/clusters: {status}")
    response = provoke(wire)
    body = response.json()
    assert (response.status_code, body["error"]) == (status, code)
    assert body.keys() <= ERROR.keys()
    shaped({name: value for name, value in ERROR.items() if name != "details"}, body)
    assert isinstance(body.get("details", {}), dict)
    assert body["request_id"] == response.headers["x-request-id"]
    if status == 400:
        shaped(ERROR, body)


def test_every_answer_has_the_documented_headers(wire: httpx.Client) -> None:
    for response in (wire.get("/v1/jobs"), wire.get("/v1/jobs/none"), wire.delete("/v1/jobs/job_121")):
        for name in ("X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
            assert response.headers[name]
        assert response.headers["X-RateLimit-Limit"] == "1000"
        assert bool(response.content) == (response.headers.get("Content-Type") == "application/json")


def test_the_copies_are_verbatim() -> None:
    for path in EXAMPLES.iterdir():
        assert path.read_bytes() == (reference("examples") / path.name).read_bytes(), path.name
