"""The HTTP side of a call, and endpoints that the SDK does not know."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server import MockServer
from tests.support.answers import HONOURS, fault, job, one
from tests.support.faces import Face
from tests.support.scripted import Json, Reply, ScriptedServer, Unanswered
from vantage_sdk import SubmitOutcomeUnknown
from vantage_sdk.testing import instant_retries


async def test_with_raw_tells_the_http_side(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        raw = await client.with_raw.jobs.get("job_123")
        page = await client.with_raw.jobs.list(limit=1)
        made = await client.with_raw.jobs.submit({"name": "n", "command": "true"})
    assert raw.data.id == "job_123"
    assert (raw.status_code, made.status_code) == (200, 201)
    assert raw.headers["x-ratelimit-limit"] == "1000"
    assert raw.request_id == raw.headers["x-request-id"]
    assert raw.content.startswith(b"{")
    assert raw.attempts == ()
    assert raw.elapsed > 0
    assert len(page.data) == 1


async def test_raw_calls_do_not_mix_up_their_answers(face: Face) -> None:
    with ScriptedServer(lambda request, connection: one(request.path.rsplit("/", 1)[1])) as server:
        async with face.client(server.url) as client:
            raws = [await client.with_raw.jobs.get(f"job-{n}") for n in range(5)]
    assert [raw.data.id for raw in raws] == [f"job-{n}" for n in range(5)]
    assert all(raw.data.id.encode() in raw.content for raw in raws)


async def test_attempts_before_the_answer_are_told(face: Face) -> None:
    with instant_retries(), ScriptedServer([fault(503, "away", {"X-Request-ID": "req_0"}), one()]) as server:
        async with face.client(server.url) as client:
            raw = await client.with_raw.jobs.get("job-1")
    assert [(a.number, a.cause, a.status_code, a.request_id) for a in raw.attempts] == [(1, "503 away", 503, "req_1")]


async def test_streams_have_no_raw_form(face: Face) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(TypeError, match="no raw form"):
            client.with_raw.jobs.logs_stream("job-1")


async def test_request_reaches_any_endpoint(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        raw = await client.request("GET", "/jobs/job_123")
        assert raw.data["id"] == "job_123"
        assert (await client.request("get", "/v1/jobs", query={"limit": 1, "status": None})).data["per_page"] == 1
        made = await client.request("POST", "/jobs", json={"name": "n", "command": "true"}, timeout=5)
        assert made.status_code == 201
        assert (await client.request("DELETE", f"/jobs/{made.data['id']}")).data is None


async def test_request_reaches_the_other_families_of_the_server(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(200, {})) as server:
        async with face.client(server.url + "/mount") as client:
            await client.request("GET", "/api/v1/workflows")
            await client.request("GET", "/jobs")
    assert [request.target for request in server.requests] == ["/mount/api/v1/workflows", "/mount/v1/jobs"]


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        (Json(200, [1]), [1]),
        (Reply(200, b"text", {"Content-Type": "text/plain"}), "text"),
        (Reply(200, b"\x00\x01", {"Content-Type": "application/octet-stream"}), b"\x00\x01"),
        (Reply(204), None),
    ],
)
async def test_request_decodes_by_content_type(face: Face, answer: Any, data: Any) -> None:
    with ScriptedServer([answer]) as server:
        async with face.client(server.url) as client:
            assert (await client.request("GET", "/things")).data == data


@pytest.mark.parametrize(
    ("verb", "path", "says"),
    [
        ("BREW", "/x", "method is one of"),
        ("GET", "x", "path starts with '/'"),
        ("GET", "/x?a=b", "give query="),
        ("GET", "/x/../y", "path"),
        ("GET", "//x", "path"),
        ("GET", "/x\ny", "path"),
    ],
)
async def test_request_refuses_odd_paths_before_anything_is_sent(face: Face, verb: str, path: str, says: str) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=says):
            await client.request(verb, path)


async def test_an_unknown_post_is_not_repeated_unless_it_is_said_to_be_idempotent(face: Face) -> None:
    with instant_retries(), ScriptedServer([Unanswered(), Unanswered(), Json(200, {})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown):
                await client.request("POST", "/things", json={})
            await client.request("POST", "/things", json={}, idempotent=True)
    assert len(server.requests) == 3


async def test_a_mount_path_in_the_base_url_is_kept(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(200, job(), HONOURS)) as server:
        async with face.client(server.url + "/mount/point/") as client:
            await client.jobs.get("job-1")
            await client.request("GET", "/mount/point/v1/things/")
    assert [request.target for request in server.requests] == ["/mount/point/v1/jobs/job-1", "/mount/point/v1/things/"]


async def test_the_request_says_who_asks(face: Face) -> None:
    with ScriptedServer([one()]) as server:
        async with face.client(server.url, organization="org-1") as client:
            await client.jobs.get("job-1")
    request = server.requests[0]
    assert request.header("authorization") == "Bearer your-api-key"
    assert request.header("x-organization-id") == "org-1"
    assert request.header(
        "user-agent",
    ).startswith("vantage-sdk/")
    assert request.header("accept") == "application/json"
