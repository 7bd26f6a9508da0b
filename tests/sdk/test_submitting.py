"""A job exists once, whatever happens to the connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.answers import HONOURS, job
from tests.support.effort import effort
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer, Unanswered
from vantage_sdk import JobFileError, JobTemplate, SubmitOutcomeUnknown, ValidationError, VantageAPIError
from vantage_sdk.testing import instant_retries

TEMPLATE = {"name": "n", "command": "true"}
MANY = effort(334, 1000)  # a thousand on the faces together, or on each


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


@pytest.fixture
def limitless() -> Iterator[MockServer]:
    with MockServer(clock="manual", world="empty", rate_limits=False) as running:
        yield running


@pytest.mark.slow
async def test_a_thousand_submissions_with_lost_replies_create_a_thousand_jobs(
    face: Face, limitless: MockServer
) -> None:
    firsts = list(range(1, 2 * MANY, 2))  # one submission at a time, so that every second request is a repeat
    limitless.faults.set([{"method": "POST", "path": "/v1/jobs", "nth": firsts, "reset": "after"}])
    templates = [{"name": f"job-{n}", "command": "true"} for n in range(MANY)]
    async with face.client(limitless.url) as client:
        submitted = await client.jobs.submit_many(templates, concurrency=1)
        stored = [found async for found in client.jobs.list_all(page_size=100)]
    assert [j.name for j in submitted] == [t["name"] for t in templates]
    assert Counter(j.name for j in stored) == Counter(t["name"] for t in templates)
    assert {j.id for j in stored} == {j.id for j in submitted}
    assert len(submitted) == MANY


async def test_the_very_first_submission_survives_a_lost_reply(face: Face, limitless: MockServer) -> None:
    limitless.faults.set(["POST /v1/jobs: reset-after, ok"])
    async with face.client(limitless.url) as client:
        created = await client.jobs.submit(TEMPLATE)
        assert [j.id async for j in client.jobs.list_all()] == [created.id]


async def test_the_very_first_submission_lost_on_its_way_is_sent_again(face: Face, limitless: MockServer) -> None:
    limitless.faults.set(["POST /v1/jobs: reset-before, ok"])
    async with face.client(limitless.url) as client:
        created = await client.jobs.submit(TEMPLATE)
        assert [j.id async for j in client.jobs.list_all()] == [created.id]


@pytest.mark.parametrize("mode", ["reject", "ignore"])
async def test_no_second_job_on_servers_that_reject_or_ignore_keys(face: Face, mode: Any) -> None:
    with MockServer(clock="manual", world="empty", idempotency=mode) as server:
        server.faults.set(["POST /v1/jobs: reset-after, ok*"])
        async with face.client(server.url) as client:
            try:
                created = await client.jobs.submit(TEMPLATE)
            except SubmitOutcomeUnknown as unknown:
                assert mode == "ignore"
                assert unknown.idempotency_key
            else:
                assert mode == "reject"
                assert created.name == "n"
            assert len([j async for j in client.jobs.list_all()]) == 1


async def test_when_the_server_stays_away_the_error_carries_the_key_that_finds_the_job(
    face: Face, limitless: MockServer
) -> None:
    async with face.client(limitless.url) as client:
        await client.clusters.list()
        limitless.faults.set(["POST /v1/jobs: reset-after*", "GET /v1/jobs: 503*"])
        with pytest.raises(SubmitOutcomeUnknown) as caught:
            await client.jobs.submit(TEMPLATE)
        limitless.faults.clear()
        found = await client.jobs.find(caught.value.idempotency_key)
        assert found is not None
        assert found.name == "n"
        again = await client.jobs.submit(TEMPLATE, idempotency_key=caught.value.idempotency_key)
        assert again.id == found.id
    assert any("looking the job up failed" in note for note in caught.value.__notes__)


async def test_find_says_none_or_that_the_server_cannot(face: Face, limitless: MockServer) -> None:
    async with face.client(limitless.url) as client:
        assert await client.jobs.find("never-used") is None
        with pytest.raises(ValueError, match="idempotency_key is empty"):
            await client.jobs.find("")
    with ScriptedServer([Json(200, {"jobs": [job()], "total": 1})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.find("key")
    assert caught.value.code == "not_supported"
    with MockServer(clock="manual", world="empty", idempotency="ignore") as strict:
        async with face.client(strict.url) as client:
            with pytest.raises(VantageAPIError, match="not_supported"):
                await client.jobs.find("key")


async def test_an_interrupted_submission_tells_its_key(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    from vantage_sdk.core.io.asynchronous import AnyIO
    from vantage_sdk.core.io.blocking import BlockingIO

    async def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BlockingIO, "exchange", stopped)
    monkeypatch.setattr(AnyIO, "exchange", stopped)
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(KeyboardInterrupt) as caught:
            await client.jobs.submit(TEMPLATE, idempotency_key="mine")
    assert "idempotency key is mine" in caught.value.__notes__[0]


async def test_submit_many_keeps_order_and_says_how_many_were_made(face: Face, limitless: MockServer) -> None:
    async with face.client(limitless.url) as client:
        made = await client.jobs.submit_many(
            [{**TEMPLATE, "name": f"n{n}"} for n in range(20)], concurrency=4, env={"A": "b"}
        )
        assert [j.name for j in made] == [f"n{n}" for n in range(20)]
        assert all(j.environment == {"A": "b"} for j in made)
        with pytest.raises(ValidationError) as caught:
            await client.jobs.submit_many([TEMPLATE, {**TEMPLATE, "resources": {"gpus": -1}}, TEMPLATE], concurrency=1)
        assert "1 of 3 jobs were submitted" in caught.value.__notes__[0]
        with pytest.raises(ValueError, match="name is missing"):
            await client.jobs.submit_many([TEMPLATE, {"command": "true"}])
        assert len([j async for j in client.jobs.list_all()]) == 21
        with pytest.raises(ValueError, match="belongs to one job"):
            await client.jobs.submit_many([TEMPLATE], idempotency_key="x")
        with pytest.raises(ValueError, match="concurrency"):
            await client.jobs.submit_many([TEMPLATE], concurrency=0)
        assert list(await client.jobs.submit_many([])) == []


BODIES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (TEMPLATE, {}, TEMPLATE),
    (
        {"name": "my-job", "spec": {"image": "ubuntu:22.04", "command": ["echo", "hello world"], "resources": {"cpu": "500m", "memory": "4Gi", "gpu": "1"}}},
        {"cluster": "c", "priority": 10, "env": {"A": "b"}},
        {
            "name": "my-job",
            "command": "echo 'hello world'",
            "resources": {"cpus": 1, "memory": "4Gi", "gpus": 1},
            "cluster_id": "c",
            "priority": 10,
            "environment": {"A": "b"},
            "spec": {"image": "ubuntu:22.04", "command": ["echo", "hello world"], "resources": {"cpu": "500m", "memory": "4Gi", "gpu": "1"}},
        },
    ),
    ({**TEMPLATE, "environment": {"A": "1", "B": "2"}}, {"env": {"B": "3"}, "name": "other"}, {"name": "other", "command": "true", "environment": {"A": "1", "B": "3"}}),
    ({**TEMPLATE, "cluster": "old"}, {"cluster": "new"}, {**TEMPLATE, "cluster_id": "new"}),
]  # fmt: skip


@pytest.mark.parametrize(("template", "overrides", "sent"), BODIES)
async def test_templates_become_the_documented_body(
    face: Face, template: dict[str, Any], overrides: dict[str, Any], sent: dict[str, Any]
) -> None:
    before = repr(template)
    with ScriptedServer([Json(201, job(), HONOURS)]) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(template, **overrides)
    import json

    assert json.loads(server.requests[0].body) == sent
    assert repr(template) == before


async def test_a_template_may_be_an_object(face: Face, limitless: MockServer) -> None:
    template = JobTemplate.from_dict({"name": "n", "spec": {"image": "ubuntu", "command": ["true"]}})
    async with face.client(limitless.url) as client:
        made = await client.jobs.submit(template)
    assert (made.command, made.spec.image, made.spec.command) == ("true", "ubuntu", ["true"])


@pytest.mark.parametrize(
    ("template", "overrides", "says"),
    [
        ({"command": "true"}, {}, "name is missing"),
        ({"name": "n"}, {}, "command is missing"),
        ("job.yaml", {}, "template takes a mapping, not str"),
        ({**TEMPLATE, "spec": []}, {}, "spec takes a mapping, not list"),
        ({"name": "n", "spec": {"command": ["a", 1]}}, {}, "spec.command takes text or a list of texts"),
        ({"name": "n", "spec": {"command": "x", "resources": {"cpu": "two"}}}, {}, "spec.resources.cpu takes cores"),
        ({"name": "n", "spec": {"command": "x", "resources": {"cpu": "0"}}}, {}, "spec.resources.cpu takes cores"),
        (
            {"name": "n", "spec": {"command": "x", "resources": {"gpu": 1.5}}},
            {},
            "spec.resources.gpu takes a whole number",
        ),
        (TEMPLATE, {"priority": "high"}, "priority takes a whole number, not str"),
        (TEMPLATE, {"priority": -1}, "priority is a number from 0"),
        (TEMPLATE, {"priority": True}, "priority takes a whole number, not bool"),
        (TEMPLATE, {"env": {"A": 1}}, r"env\['A'\] takes text, not int"),
        (TEMPLATE, {"cluster": ""}, "cluster is empty"),
        (TEMPLATE, {"idempotency_key": "a\nb"}, "idempotency_key takes"),
        ({**TEMPLATE, "x": float("nan")}, {}, "x cannot be sent as JSON: .*not JSON compliant"),
        ({**TEMPLATE, "x": {1}}, {}, "x cannot be sent as JSON"),
        ({**TEMPLATE, "x": "\ud800"}, {}, "x cannot be sent as JSON"),
        (TEMPLATE, {"idempotency_key": 5}, "idempotency_key takes text, not int"),
    ],
)
async def test_a_template_that_no_server_could_take_is_refused_before_anything_is_sent(
    face: Face, template: Any, overrides: dict[str, Any], says: str
) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises((TypeError, ValueError), match=says):
            await client.jobs.submit(template, **overrides)


async def test_a_job_can_be_submitted_from_a_file(face: Face, limitless: MockServer, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(
        "name: my-job\nspec:\n  image: ubuntu:22.04\n  command: [echo, hello]\n  resources: {cpu: '2', memory: 4Gi}\n"
    )
    async with face.client(limitless.url) as client:
        made = await client.jobs.submit_from_file(path, priority=3)
        assert (made.name, made.command, made.priority) == ("my-job", "echo hello", 3)
        with pytest.raises(FileNotFoundError):
            await client.jobs.submit_from_file(tmp_path / "none.yaml")
        path.write_text("name: a\nname: b\n")
        with pytest.raises(JobFileError, match="job.yaml:2"):
            await client.jobs.submit_from_file(str(path))
        path.write_bytes(b"#" * (2 << 20))
        with pytest.raises(ValueError, match="more than 1048576 bytes"):
            await client.jobs.submit_from_file(path)


async def test_a_lost_reply_is_one_job_for_an_unanswered_first_request(face: Face) -> None:
    made: list[str | None] = []

    def script(request: Any, connection: int) -> Any:
        if request.method == "GET":
            return Json(200, {"jobs": [], "total": 0}, HONOURS)
        made.append(request.header("idempotency-key"))
        return Unanswered() if len(made) == 1 else Json(201, job(), HONOURS)

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            await client.jobs.submit(TEMPLATE)
    assert [request.method for request in server.requests] == ["POST", "GET", "POST"]
    assert len(set(made)) == 1
