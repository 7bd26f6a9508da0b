"""Models keep what was received, and no odd field makes an answer fail."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.support.answers import jobs
from tests.support.faces import Face
from tests.support.scripted import Json, Reply, ScriptedServer
from vantage_sdk import Cluster, Job, JobOutput, Page, Phase, VantageAPIError
from vantage_sdk.models.base import Model

FULL: dict[str, Any] = {
    "id": "job_123",
    "name": "simulation-run-1",
    "status": "running",
    "cluster_id": "cluster_abc",
    "user_id": "user_456",
    "command": "python simulate.py --steps '10 000'",
    "resources": {"cpus": 4, "memory": "8GB", "gpus": 1, "fpgas": 2},
    "created_at": "2024-01-15T10:30:00Z",
    "started_at": "2024-01-15T12:31:00.123456+02:00",
    "completed_at": None,
    "outputs": [{"path": "/outputs/a", "size": 3, "created_at": "2024-01-15T10:30:00Z", "colour": "red"}],
    "labels": {"team": "a"},
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_fields_are_typed() -> None:
    job = Job.from_dict(FULL)
    assert job.created_at == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert job.started_at is not None
    assert job.started_at.utcoffset() is not None
    assert (job.resources.cpus, job.resources.memory, job.completed_at, job.priority) == (4, "8GB", None, None)
    assert job.outputs is not None
    assert job.outputs[0].path == "/outputs/a"


def test_to_dict_is_what_was_received() -> None:
    before = copy.deepcopy(FULL)
    job = Job.from_dict(FULL)
    assert job.to_dict() == before
    assert job.resources.to_dict() == before["resources"]
    assert job.outputs is not None
    assert job.outputs[0].to_dict() == before["outputs"][0]


def test_unknown_fields_are_kept_at_every_level() -> None:
    job: Any = Job.from_dict(FULL)
    assert job.labels == {"team": "a"}
    assert job.extra == {"labels": {"team": "a"}}
    assert job.resources.fpgas == 2
    assert job.outputs[0].colour == "red"
    with pytest.raises(AttributeError, match="labells"):
        job.labells  # noqa: B018


def test_models_are_immutable() -> None:
    job: Any = Job.from_dict(FULL)
    with pytest.raises(ValueError, match="frozen"):
        job.status = "completed"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize(
    "thing",
    [Job.from_dict(FULL), Cluster.from_dict({"id": "c", "name": "n", "new": 1}), Page([Job.from_dict(FULL)], 1)],
)
def test_models_and_pages_survive_copies_and_pickles(thing: Any, again: Any) -> None:
    twin = again(thing)
    assert twin == thing
    if isinstance(thing, Model):
        assert twin.to_dict() == thing.to_dict()
        assert twin.extra == thing.extra
    assert type(twin) is type(thing)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("pending", "pending"),
        ("queued", "queued"),
        ("running", "running"),
        ("completed", "succeeded"),
        ("succeeded", "succeeded"),
    ]
    + [
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("COMPLETED", "succeeded"),
        ("hibernating", "unknown"),
        ("", "unknown"),
    ],
)
def test_phases_are_the_same_for_all_families(status: str, phase: str) -> None:
    job = Job.from_dict({**FULL, "status": status})
    assert (job.status, job.phase) == (status, Phase(phase))
    assert job.is_terminal == (phase in {"succeeded", "failed", "cancelled"})
    assert job.succeeded == (phase == "succeeded")


def test_the_spec_is_there_for_every_job() -> None:
    made = Job.from_dict(FULL).spec
    assert made.command == ["python", "simulate.py", "--steps", "10 000"]
    assert (made.resources.cpu, made.resources.memory, made.resources.gpu) == ("4", "8GB", 1)
    sent = Job.from_dict({**FULL, "spec": {"image": "ubuntu", "command": ["a"], "resources": {"cpu": "500m"}}}).spec
    assert (sent.image, sent.command, sent.resources.cpu) == ("ubuntu", ["a"], "500m")
    assert Job.from_dict({"id": "x", "status": "running", "command": "echo 'open"}).spec.command == ["echo 'open"]
    assert Job.from_dict({"id": "x", "status": "running"}).spec.command == []


@given(field=st.sampled_from([*FULL, "priority", "metrics", "logs", "spec", "environment"]), value=anything)
def test_a_field_of_any_shape_never_fails_the_whole(field: str, value: Any) -> None:
    received = {**FULL, field: value}
    logging.getLogger("vantage_sdk").setLevel(logging.ERROR)
    job = Job.from_dict(received)
    assert job.to_dict() == received
    for other in ("id", "name", "status", "cluster_id", "command"):
        if other != field:
            assert getattr(job, other) == FULL[other]
    assert isinstance(job.is_terminal, bool)
    assert repr(job)


def test_an_odd_value_is_kept_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("vantage_sdk").setLevel(logging.WARNING)
    job = Job.from_dict({**FULL, "created_at": "soon", "resources": "many", "priority": "high"})
    assert (job.created_at, job.resources, job.priority) == ("soon", "many", "high")
    assert job.started_at is not None
    assert "created_at" in caplog.text
    assert "soon" not in caplog.text


def test_a_missing_field_is_none() -> None:
    job = Job.from_dict({"id": "x"})
    assert (job.status, job.phase, job.name) == (None, Phase.UNKNOWN, None)
    assert job.to_dict() == {"id": "x"}


def test_a_time_without_a_zone_is_utc() -> None:
    assert Job.from_dict({**FULL, "created_at": "2024-01-15T10:30:00"}).created_at == datetime(
        2024, 1, 15, 10, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("received", [None, [], "text", 3])
def test_only_an_object_makes_a_model(received: Any) -> None:
    with pytest.raises(ValueError, match="expected a JSON object for Job"):
        Job.from_dict(received)


async def test_one_odd_item_does_not_fail_its_page(face: Face) -> None:
    odd = {**FULL, "id": 7, "resources": {"cpus": "many"}, "created_at": 12}
    with ScriptedServer([jobs(FULL, odd, FULL)]) as server:
        async with face.client(server.url) as client:
            page = await client.jobs.list()
    assert [j.id for j in page] == ["job_123", 7, "job_123"]
    assert page[1].resources.to_dict() == {"cpus": "many"}


@pytest.mark.parametrize(
    "answer",
    [Reply(200, b"<html>login</html>", {"Content-Type": "text/html"}), Reply(200, b""), Json(200, []), Json(200, None)]
    + [Reply(200, b'{"id": "x"'), Reply(200, b"\xff\xfe"), Reply(200, b"[" * 100_000)],
    ids=lambda reply: repr(reply)[:40],
)
async def test_an_answer_of_another_kind_is_an_error_of_ours(face: Face, answer: Any) -> None:
    with ScriptedServer([answer]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError, match="the answer is not what this call returns") as caught:
                await client.jobs.get("x")
    assert (caught.value.code, caught.value.status_code) == ("invalid_response", 200)
    assert str(caught.value).endswith("attempt 1 of 4)")


def test_outputs_have_models_too() -> None:
    output = JobOutput.from_dict({"job_id": "x", "files": [{"path": "/a", "size": 1}], "stdout": "hi\n"})
    assert output.files[0].path == "/a"
    assert JobOutput.from_dict({"job_id": "x"}).files == []
