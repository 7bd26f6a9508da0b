"""Submitting jobs to S9S: what is sent, what is refused before, and which failures are repeated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.s9s_answers import fault
from tests.support.scripted import CutAt, Json, Reset, ScriptedServer, Step, Unanswered
from vantage_sdk import (
    ConflictError,
    Dependency,
    Duration,
    S9SJob,
    ServerError,
    SubmitOutcomeUnknown,
    ValidationError,
    VantageAPIError,
)
from vantage_sdk.s9s.dependencies import bodies as bodies_of
from vantage_sdk.testing import instant_retries

GOOD = Json(201, {"job_id": "12346", "state": "PENDING", "message": "Job submitted successfully"})
HONOURS = {"X-Idempotency-Supported": "true"}
STATUS = Json(200, {"status": "ok"}, HONOURS)
BASE: dict[str, Any] = {"name": "n", "script": "/bin/true"}
SENT = {"job_name": "n", "script": "/bin/true"}


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    with instant_retries() as asked:
        yield asked


async def sent(face: Face, **given: Any) -> dict[str, Any]:
    with ScriptedServer([GOOD]) as server:
        async with face.s9s(server.url) as client:
            await client.jobs.submit(**given)
    body: dict[str, Any] = server.requests[0].json()
    return body


# What is sent


async def test_what_is_not_given_is_not_sent(face: Face) -> None:
    assert await sent(face, script="/bin/true") == {"script": "/bin/true"}
    assert await sent(face, **BASE, partition=None, dependencies=None) == SENT


async def test_either_name_is_sent_as_job_name(face: Face) -> None:
    assert await sent(face, script="s", name="a") == await sent(face, script="s", job_name="a")
    assert await sent(face, script="s", name="a", job_name="a") == {"job_name": "a", "script": "s"}
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="name and job_name are two ways to say the same"):
            await client.jobs.submit(script="s", name="a", job_name="b")


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("4:00:00", "4:00:00"),
        ("2h", "2h"),
        (timedelta(days=1), "1-00:00:00"),
        (90, "0:01:30"),
        (Duration("7-0"), "7-0"),
    ],
)
async def test_a_time_limit_is_sent_as_text(face: Face, limit: Any, text: str) -> None:
    assert (await sent(face, **BASE, time_limit=limit))["time_limit"] == text


@pytest.mark.parametrize(
    ("given", "bodies"),
    [
        ("afterok:12", [{"type": "afterok", "job_id": "12"}]),
        (
            "afterok:12:13,afterany:14",
            [
                {"type": "afterok", "job_id": "12"},
                {"type": "afterok", "job_id": "13"},
                {"type": "afterany", "job_id": "14"},
            ],
        ),
        ("singleton", [{"type": "singleton"}]),
        (
            "after:9_3, afternotok:8_*,singleton",
            [{"type": "after", "job_id": "9_3"}, {"type": "afternotok", "job_id": "8_*"}, {"type": "singleton"}],
        ),
        (Dependency("afterok", 12344), [{"type": "afterok", "job_id": "12344"}]),
        (
            [Dependency("afterany", "1"), Dependency("singleton"), {"type": "after", "job_id": 2}],
            [{"type": "afterany", "job_id": "1"}, {"type": "singleton"}, {"type": "after", "job_id": "2"}],
        ),
        (iter([Dependency("after", S9SJob(job_id="7", state="PENDING"))]), [{"type": "after", "job_id": "7"}]),
        ([], []),
    ],
)
def test_dependencies_are_sent_as_objects(given: Any, bodies: Any) -> None:
    assert bodies_of(given) == bodies


async def test_an_array_is_sent_as_slurm_writes_it(face: Face) -> None:
    assert (await sent(face, **BASE, array="0-31%4", dependencies="singleton")) == {
        **SENT,
        "dependencies": [{"type": "singleton"}],
        "array": "0-31%4",
    }


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"dependencies": "aftrok:1"}, "a dependency is one of after, afterok, afternotok, afterany, singleton"),
        ({"dependencies": [{"type": "aftercorr", "job_id": "1"}]}, "a dependency is one of"),
        ({"dependencies": "singleton:1"}, "singleton takes no job_id"),
        ({"dependencies": "afterok"}, "afterok needs a job_id"),
        ({"dependencies": [{"type": "afterok"}]}, "afterok needs a job_id"),
        ({"dependencies": [{"job_id": "1"}]}, "a dependency needs a type"),
        ({"dependencies": [{"type": "afterok", "job_id": "1", "delay": 3}]}, "has type and job_id, not delay"),
        ({"dependencies": "afterok:1?afterok:2"}, "joined by '\\?'"),
        ({"dependencies": "after:1\\+5"}, "a dependency is written like afterok:12:13"),
        ({"dependencies": "afterok::1"}, "a dependency is written like"),
        ({"dependencies": ""}, "a dependency is one of"),
        ({"array": "0-31%"}, "array takes indices as Slurm writes them"),
        ({"array": "a"}, "array takes indices"),
        ({"array": ""}, "array cannot be empty"),
        ({"nodes": 0}, "nodes is a number from 1, not 0"),
        ({"cpus_per_node": -1}, "cpus_per_node is a number from 1"),
        ({"gpus": -1}, "gpus is a number from 0"),
        ({"time_limit": "soon"}, "time_limit: a span of time is written like"),
        ({"time_limit": -1}, "time_limit: a duration is from 0"),
        ({"partition": " "}, "partition cannot be empty"),
        ({"script": ""}, "script cannot be empty"),
        ({"script": None}, "script is missing"),
        ({"idempotency_key": ""}, "idempotency_key takes 1 to 255"),
    ],
)
async def test_a_wrong_value_is_named(face: Face, given: dict[str, Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=problem):
            await client.jobs.submit(**{**BASE, **given})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"nodes": "2"}, "nodes takes a whole number, not str"),
        ({"nodes": True}, "nodes takes a whole number, not bool"),
        ({"memory": 64}, "memory takes text, not int"),
        ({"environment": {"A": 1}}, "environment\\['A'\\] takes text, not int"),
        ({"environment": "A=1"}, "environment takes a mapping, not str"),
        ({"dependencies": 12}, "dependencies takes several, or text, not int"),
        ({"dependencies": {"type": "afterok"}}, "dependencies takes several, or text, not dict"),
        ({"dependencies": [12]}, "a dependency is a Dependency or a mapping, not int"),
        ({"time_limit": [1]}, "time_limit: a duration is text, seconds or a timedelta, not list"),
        ({"nodse": 2}, "'nodse'; did you mean 'nodes'"),
    ],
)
async def test_a_wrong_kind_is_named(face: Face, given: dict[str, Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(TypeError, match=problem):
            await client.jobs.submit(**{**BASE, **given})


async def test_a_secret_in_the_environment_is_in_no_message(face: Face) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(TypeError) as caught:
            await client.jobs.submit(**BASE, environment={"PASSWORD": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


def test_an_unknown_kind_is_refused_when_it_is_made_and_kept_when_it_is_read() -> None:
    with pytest.raises(ValueError, match="not 'afterlunch'"):
        Dependency("afterlunch", 1)
    job = S9SJob.from_dict({"job_id": "1", "state": "PENDING", "dependencies": [{"type": "aftercorr", "job_id": "7"}]})
    assert job.dependencies is not None
    assert job.dependencies[0].type == "aftercorr"
    assert Dependency.from_dict({"type": "expand"}).job_id is None


# Repeats


@pytest.mark.parametrize("failure", [fault(500), fault(504), Reset(), Unanswered(), CutAt(40, GOOD)], ids=repr)
async def test_a_submission_is_repeated_with_its_key_where_keys_are_honoured(
    face: Face, pauses: list[float], failure: Step
) -> None:
    with ScriptedServer([STATUS, failure, GOOD]) as server:
        async with face.s9s(server.url) as client:
            await client.status()
            assert (await client.jobs.submit(**BASE)).job_id == "12346"
    keys = {request.header("idempotency-key") for request in server.requests[1:]}
    assert [request.method for request in server.requests] == ["GET", "POST", "POST"]
    assert len(keys) == 1
    assert None not in keys


@pytest.mark.parametrize("failure", [fault(500), Reset(), Unanswered(), CutAt(40, GOOD)], ids=repr)
@pytest.mark.parametrize("status", [Json(200, {"status": "ok"}), fault(404), fault(500)], ids=["ok", "404", "500"])
async def test_it_is_not_repeated_where_they_may_not_be(
    face: Face, pauses: list[float], failure: Step, status: Json
) -> None:
    with ScriptedServer([failure, status]) as server:
        async with face.s9s(server.url, max_retries=0) as client:
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.jobs.submit(**BASE)
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/v1/jobs"),
        ("GET", "/v1/status"),
    ]
    assert caught.value.idempotency_key == server.requests[0].header("idempotency-key")


@pytest.mark.parametrize("status", [STATUS, fault(404, headers=HONOURS)], ids=["ok", "404"])
async def test_whether_they_are_is_asked_when_it_matters(face: Face, pauses: list[float], status: Json) -> None:
    with ScriptedServer([Unanswered(), status, GOOD]) as server:
        async with face.s9s(server.url, max_retries=0) as client:
            if status is STATUS:
                assert (await client.jobs.submit(**BASE)).job_id == "12346"
            else:
                with pytest.raises(SubmitOutcomeUnknown):
                    await client.jobs.submit(**BASE)
    posted = [request.header("idempotency-key") for request in server.requests if request.method == "POST"]
    assert len(posted) == (2 if status is STATUS else 1)
    assert len({*posted}) == 1


async def test_your_own_key_is_sent(face: Face) -> None:
    with ScriptedServer([GOOD]) as server:
        async with face.s9s(server.url) as client:
            await client.jobs.submit(**BASE, idempotency_key="mine")
    assert server.requests[0].header("idempotency-key") == "mine"


async def test_an_answer_that_cannot_be_read_leaves_it_unknown(face: Face) -> None:
    with ScriptedServer([Json(201, ["what"]), Json(200, {"status": "ok"})]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown, match="the answer is not what this call returns"):
                await client.jobs.submit(**BASE)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "VALIDATION_ERROR", ValidationError),
        (409, "RESOURCE_CONFLICT", ConflictError),
        (503, "SERVICE_UNAVAILABLE", ServerError),
        (405, "METHOD_NOT_ALLOWED", VantageAPIError),
    ],
)
async def test_a_refusal_is_raised_at_once(
    face: Face, pauses: list[float], status: int, code: str, kind: type[VantageAPIError]
) -> None:
    with ScriptedServer([fault(status, code)]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(kind) as caught:
                await client.jobs.submit(**BASE)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.request_id) == (code, "req_1")
    assert len(server.requests) == 1
