"""The documented JSON examples of S9S: models keep them exactly, and the calls send them byte for byte."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.s9s_uses import example
from tests.contract.test_examples import EXAMPLES
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import (
    BulkOutcome,
    BulkResult,
    ClusterStats,
    Dependency,
    Export,
    PerformanceSeries,
    Phase,
    ResourceNotFoundError,
    S9SJob,
    S9SNode,
    S9SPartition,
    S9SUser,
    SearchHit,
    SearchResults,
)
from vantage_sdk.models.base import Model
from vantage_sdk.models.s9s_job import JobEfficiency
from vantage_sdk.models.s9s_metrics import PerformancePoint
from vantage_sdk.models.s9s_user import Association

MODELS: list[tuple[str, type[Model], Any]] = [
    ("jobs_list.response", S9SJob, example("jobs_list.response")["jobs"][0]),
    ("jobs_get.response", S9SJob, example("jobs_get.response")),
    ("jobs_get.response", JobEfficiency, example("jobs_get.response")["resources"]),
    ("jobs_submit.response", S9SJob, example("jobs_submit.response")),
    ("jobs_submit.request", Dependency, example("jobs_submit.request")["dependencies"][0]),
    ("jobs_cancel.response", S9SJob, example("jobs_cancel.response")),
    ("jobs_bulk.response", BulkResult, example("jobs_bulk.response")),
    ("jobs_bulk.response", BulkOutcome, example("jobs_bulk.response")["results"][1]),
    ("nodes_list.response", S9SNode, example("nodes_list.response")["nodes"][0]),
    ("users_list.response", S9SUser, example("users_list.response")["users"][0]),
    ("users_list.response", Association, example("users_list.response")["users"][0]["associations"][0]),
    ("partitions_list.response", S9SPartition, example("partitions_list.response")["partitions"][0]),
    ("metrics_cluster.response", ClusterStats, example("metrics_cluster.response")),
    ("metrics_performance.response", PerformanceSeries, example("metrics_performance.response")),
    ("metrics_performance.response", PerformancePoint, example("metrics_performance.response")["metrics"][0]),
    ("search.response", SearchResults, example("search.response")),
    ("search.response", SearchHit, example("search.response")["results"][0]),
    ("exports_create.response", Export, example("exports_create.response")),
    ("exports_get.response", Export, example("exports_get.response")),
]
SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "jobs_submit.request": ("jobs.submit", {}),
    "jobs_submit.curl.request": ("jobs.submit", {}),
    "jobs_submit.test_curl.request": ("jobs.submit", {}),
    "jobs_hold.request": ("jobs.hold", {"job_id": 12345}),
    "jobs_hold.curl.request": ("jobs.hold", {"job_id": "12345"}),
    "jobs_priority.request": ("jobs.set_priority", {"job_id": "12345"}),
    "jobs_bulk.request": ("jobs.bulk", {}),
    "nodes_drain.request": ("nodes.drain", {"node_name": "node001"}),
    "nodes_state.request": ("nodes.set_state", {"node_name": "node001"}),
    "exports_create.request": ("exports.create", {}),
    "reports_create.request": ("reports.create", {}),
}
ELSEWHERE = {"error.response", "oauth_token.request", "ws.subscribe.request", "ws.update.response"}


@pytest.mark.parametrize(("name", "model", "sample"), MODELS)
def test_a_model_keeps_a_sample_exactly(
    name: str, model: type[Model], sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        read = model.from_dict(sample)
    assert json.dumps(read.to_dict()) == json.dumps(sample)
    assert read.extra == {}
    assert caplog.messages == []
    assert model.from_dict(json.loads(json.dumps(read.to_dict()))) == read


def test_no_sample_is_left_out() -> None:
    files = {path.name.removeprefix("s9s.").removesuffix(".json") for path in EXAMPLES.glob("s9s.*.json")}
    assert {name for name, _, _ in MODELS} | SENT.keys() | ELSEWHERE == files


@pytest.mark.parametrize("name", SENT)
async def test_a_sample_is_sent_byte_for_byte(face: Face, name: str) -> None:
    call, place = SENT[name]
    noun, _, verb = call.partition(".")
    body = example(name)
    given = {**body.pop("options", {}), **body} if call == "jobs.bulk" else body
    with ScriptedServer([Json(200, {"job_id": "1", "export_id": "e", "report_id": "r", "node_name": "n"})]) as server:
        async with face.s9s(server.url) as client:
            await getattr(getattr(client, noun), verb)(**place, **given)
    assert server.requests[0].body == json.dumps(example(name), separators=(",", ":")).encode()


def test_the_fields_of_the_sample_job_have_their_types() -> None:
    job = S9SJob.from_dict(example("jobs_get.response"))
    assert (job.id, job.name, job.job_id, job.job_name) == ("12345", "simulation_run", "12345", "simulation_run")
    assert (job.phase, job.is_terminal, job.succeeded) == (Phase.RUNNING, False, False)
    assert job.submit_time == datetime(2023, 12, 15, 10, 30, tzinfo=UTC)
    assert job.elapsed_time is not None
    assert job.elapsed_time.timedelta == timedelta(hours=2, minutes=15, seconds=30)
    assert f"{job.elapsed_time} of {job.time_limit}" == "2:15:30 of 4:00:00"
    assert job.nodes == ["node001", "node002"]
    assert job.resources is not None
    assert (job.resources.cpu_efficiency, str(job.resources.max_cpu_time)) == (0.85, "127.5h")
    assert (job.dependencies, job.exit_code, job.standard_output) == ([], None, None)


async def test_a_submission_has_three_facts_and_none_for_the_rest(face: Face) -> None:
    with ScriptedServer([Json(201, example("jobs_submit.response"))]) as server:
        async with face.s9s(server.url) as client:
            job = await client.jobs.submit(name="my_simulation", script="/bin/true")
    assert (job.job_id, job.state, job.message) == ("12346", "PENDING", "Job submitted successfully")
    rest = {name for name in type(job).model_fields if getattr(job, name) is not None}
    assert rest == {"job_id", "state", "message"}


async def test_the_sample_list_is_a_page(face: Face) -> None:
    sample = example("jobs_list.response")
    with ScriptedServer([Json(200, sample)]) as server:
        async with face.s9s(server.url) as client:
            page = await client.jobs.list(state="RUNNING", user="alice", limit=50)
    assert (server.requests[0].path, server.requests[0].query) == (
        "/v1/jobs",
        {"state": "RUNNING", "user": "alice", "limit": "50"},
    )
    assert [job.to_dict() for job in page] == sample["jobs"]
    assert (page.total, page.limit, page.offset, page.has_next) == (156, 50, 0, True)


@pytest.mark.parametrize(
    ("noun", "name", "total"), [("nodes", "nodes", 256), ("users", "users", 1), ("partitions", "partitions", 1)]
)
async def test_a_list_without_pages_is_complete(face: Face, noun: str, name: str, total: int) -> None:
    sample = example(f"{noun}_list.response")
    with ScriptedServer([Json(200, sample)]) as server:
        async with face.s9s(server.url) as client:
            page = await getattr(client, noun).list()
    assert [item.to_dict() for item in page] == sample[name]
    assert (page.total, page.has_next, page.next_page_token) == (total, False, None)
    assert page[0].id == sample[name][0][{"nodes": "node_name", "users": "username", "partitions": "name"}[noun]]


async def test_the_sample_error_is_the_exception_of_its_status(face: Face) -> None:
    sample = example("error.response")
    with ScriptedServer([Json(404, sample)]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ResourceNotFoundError) as caught:
                await client.jobs.get("99999")
    error = caught.value
    assert (error.status_code, error.code, error.message) == (404, "RESOURCE_NOT_FOUND", "Job 99999 not found")
    assert (error.details, error.request_id) == (sample["error"]["details"], "req_abc123")
