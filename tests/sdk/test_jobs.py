"""Jobs against the bundled server: every method, what it returns, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.answers import job, one
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import ConflictError, Page, ResourceNotFoundError, ValidationError

SLEEPER = {"name": "sleeper", "command": "sleep 3600"}


async def test_filters_reach_the_server_in_its_own_words(face: Face) -> None:
    with ScriptedServer(lambda r, c: Json(200, {"jobs": [], "total": 0})) as server:
        async with face.client(server.url) as client:
            await client.jobs.list(
                status="running",
                cluster="gpu-cluster",
                user_id="u",
                created_after=datetime(2024, 1, 1, tzinfo=UTC),
                created_before="2025-01-01",
                sort="-name",
                limit=10,
                page=2,
            )
            with pytest.raises(ValueError, match="needs a time zone"):
                await client.jobs.list(updated_after=datetime(2024, 1, 1))
            with pytest.raises(TypeError, match=r"^list\(\) takes no keyword 'state'; did you mean 'status'\?"):
                await client.jobs.list(state="running")
            with pytest.raises(TypeError, match="takes no keyword 'statsu'"):
                client.jobs.list_all(statsu="running")
    assert len(server.requests) == 1
    assert server.requests[0].query == {
        "status": "running",
        "cluster_id": "gpu-cluster",
        "user_id": "u",
        "created_after": "2024-01-01T00:00:00Z",
        "created_before": "2025-01-01",
        "sort": "-name",
        "limit": "10",
        "page": "2",
    }


async def test_list_filters_and_sorts(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        running = await client.jobs.list(status="running")
        assert isinstance(running, Page)
        assert {j.status for j in running} == {"running"}
        by_cluster = await client.jobs.list(cluster="gpu-cluster")
        assert {j.cluster_id for j in by_cluster} == {"cluster_abc"}
        names = [j.name for j in await client.jobs.list(sort="name")]
        assert names == sorted(names)
        with pytest.raises(ValidationError):
            await client.jobs.list(sort="colour")


async def test_get_embeds_what_is_asked_for(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        plain = await client.jobs.get("job_123")
        full = await client.jobs.get("job_123", include=["logs", "outputs", "metrics"])
        one_word = await client.jobs.get("job_123", include="logs")
    assert (plain.logs, plain.outputs, plain.metrics) == (None, None, None)
    assert isinstance(full.logs, list)
    assert isinstance(full.outputs, list)
    assert full.metrics is not None
    assert full.metrics.job_id == "job_123"
    assert one_word.logs == full.logs


async def test_what_a_server_does_not_embed_is_fetched(face: Face) -> None:
    def script(request: Any, connection: int) -> Json:
        if request.path.endswith("/logs"):
            return Json(200, {"job_id": "job-1", "lines": ["a", "b"], "total_lines": 2})
        if request.path.endswith("/output"):
            return Json(200, {"job_id": "job-1", "files": [{"path": "/x", "size": 1}]})
        return one()

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            found = await client.jobs.get("job-1", include=["logs", "outputs"])
    assert found.logs == ["a", "b"]
    assert [file.path for file in found.outputs or []] == ["/x"]
    assert [request.path for request in server.requests] == [
        "/v1/jobs/job-1",
        "/v1/jobs/job-1/logs",
        "/v1/jobs/job-1/output",
    ]


async def test_update_changes_what_is_given(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        made = await client.jobs.submit(SLEEPER)
        changed = await client.jobs.update(made.id, name="other", priority=7)
        assert (changed.name, changed.priority, changed.command) == ("other", 7, made.command)
        assert (await client.jobs.get(made.id)).name == "other"
        with pytest.raises(ValueError, match="nothing to update"):
            await client.jobs.update(made.id)
        await client.jobs.wait(made.id, poll_interval=0.01)
        with pytest.raises(ConflictError):
            await client.jobs.update(made.id, environment={"A": "b"})


async def test_cancel_is_idempotent_and_keeps_the_reason(face: Face) -> None:
    with MockServer(clock="manual") as server:
        async with face.client(server.url) as client:
            made = await client.jobs.submit(SLEEPER)
            gone = await client.jobs.cancel(made.id, reason="not needed")
            assert (gone.status, gone.cancel_reason) == ("cancelled", "not needed")
            assert (await client.jobs.cancel(made.id)).to_dict() == gone.to_dict()
            done = await client.jobs.submit({"name": "n", "command": "true"})
            server.run_until_idle()
            with pytest.raises(ConflictError):
                await client.jobs.cancel(done.id)
            with pytest.raises(ResourceNotFoundError):
                await client.jobs.cancel("job-none")


async def test_cancel_batch_has_an_outcome_for_each(face: Face) -> None:
    with MockServer(clock="manual") as server:
        async with face.client(server.url) as client:
            made = [await client.jobs.submit(SLEEPER) for _ in range(3)]
            done = await client.jobs.submit({"name": "n", "command": "true"})
            server.advance(60)
            ids = [made[0].id, "job-none", made[1].id, done.id, "..", made[2].id]
            result = await client.jobs.cancel_batch(ids, reason="all")
    assert [outcome.job_id for outcome in result] == ids
    assert [outcome.success for outcome in result] == [True, False, True, False, False, True]
    assert result[0].job is not None
    assert result[0].job.cancel_reason == "all"
    assert (result.summary.total, result.summary.successful, result.summary.failed) == (6, 3, 3)
    assert [type(o.error).__name__ for o in result.failed] == ["ResourceNotFoundError", "ConflictError", "ValueError"]
    assert "'job-none' not found" in result[1].message
    assert len(result[1:3]) == 2
    with pytest.raises(ResourceNotFoundError) as caught:
        result.raise_if_any_failed()
    assert "and 2 more of 6 failed" in caught.value.__notes__
    async with face.client("http://127.0.0.1:1") as client:
        odd = await client.jobs.cancel_batch([None, 5, ".."])
        assert [type(outcome.error).__name__ for outcome in odd] == ["TypeError", "TypeError", "ValueError"]
        with pytest.raises(ValueError, match="timeout must be above 0"):
            await client.jobs.cancel_batch(["job-1"], timeout=-1)
        with pytest.raises(TypeError, match="not one text"):
            await client.jobs.cancel_batch("job-1")
        assert len(await client.jobs.cancel_batch([])) == 0


async def test_delete_forgets_the_job(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        made = await client.jobs.submit(SLEEPER)
        assert await client.jobs.delete(made.id) is None
        with pytest.raises(ResourceNotFoundError):
            await client.jobs.get(made.id)
        with pytest.raises(ResourceNotFoundError):
            await client.jobs.delete(made.id)


async def test_output_has_files_and_what_was_printed(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        made = await client.jobs.submit(
            {"name": "n", "command": "echo hello; echo data > a.txt", "output_path": "/outputs/mine/"}
        )
        await client.jobs.wait(made.id, poll_interval=0.01)
        output = await client.jobs.output(made.id)
    assert (output.job_id, output.stdout) == (made.id, "hello\n")
    assert [(file.path, file.size) for file in output.files] == [("/outputs/mine/a.txt", 5)]


@pytest.mark.parametrize("bad", ["", ".", "..", "a\nb", "\x00"])
async def test_an_id_that_is_no_path_segment_is_refused_before_anything_is_sent(face: Face, bad: str) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        for call in (
            client.jobs.get,
            client.jobs.cancel,
            client.jobs.delete,
            client.jobs.output,
            client.jobs.logs,
            client.jobs.wait,
        ):
            with pytest.raises(ValueError, match="job_id"):
                await call(bad)


@pytest.mark.parametrize("odd", ["a/b", "a b", "ü", "a?b#c", "%2e%2e", "a%2Fb"])
async def test_an_odd_id_arrives_as_one_segment(face: Face, odd: str) -> None:
    from urllib.parse import unquote

    with ScriptedServer([Json(200, job(odd))]) as server:
        async with face.client(server.url) as client:
            assert (await client.jobs.get(odd)).id == odd
    assert server.requests[0].target.count("/") == 3
    assert unquote(server.requests[0].target.rsplit("/", 1)[1]) == odd


async def test_an_id_of_another_type_is_a_type_error(face: Face) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        for bad in (1, None, True, b"x"):
            with pytest.raises(TypeError, match="job_id takes text"):
                await client.jobs.get(bad)
