"""Transports that users bring, proxies of the environment, and what may stand in a path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx

from mock_server import MockServer
from tests.support.faces import Face
from tests.support.scripted import Gzip, Json, Request, ScriptedServer, Step
from vantage_sdk import AsyncVantageClient, ConfigError, RateLimitError, ResourceNotFoundError, VantageClient

JOB = {"id": "job-1", "status": "running"}
URL = "https://api.example/v1/jobs/job-1"
TEMPLATE = {"name": "n", "command": "true"}


def brought(face: Face, **settings: Any) -> Any:
    return httpx.Client(**settings) if face.is_blocking else httpx.AsyncClient(**settings)


async def close(face: Face, own: Any) -> None:
    assert not own.is_closed
    if face.is_blocking:
        own.close()
    else:
        await own.aclose()


async def through(face: Face, handler: Callable[[httpx.Request], httpx.Response], **settings: Any) -> Any:
    own = brought(face, transport=httpx.MockTransport(handler), **settings)
    async with face.client("https://api.example", http_client=own, max_retries=0) as client:
        job = await client.jobs.get("job-1")
    await close(face, own)
    return job


async def test_a_client_brought_along_is_used_and_stays_open(face: Face) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=JOB)

    assert (await through(face, handler)).id == "job-1"
    assert str(seen[0].url) == URL
    assert seen[0].headers["authorization"] == "Bearer your-api-key"


async def test_its_own_credential_and_redirects_are_not_used(face: Face) -> None:
    hosts: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        assert request.headers["authorization"] == "Bearer your-api-key"
        return httpx.Response(302, headers={"Location": "https://other.example/"})

    with pytest.raises(Exception, match="302"):
        await through(face, handler, auth=("user", "word"), follow_redirects=True)
    assert hosts == ["api.example"]


async def test_a_submission_through_it_carries_its_body(face: Face) -> None:
    bodies: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(201, json=JOB)

    own = brought(face, transport=httpx.MockTransport(handler))
    async with face.client("https://api.example", http_client=own) as client:
        await client.jobs.submit(TEMPLATE)
    await close(face, own)
    assert bodies == [b'{"name":"n","command":"true"}']


async def test_hooks_that_read_the_answer_do_no_harm(face: Face) -> None:
    read: list[bytes] = []

    def hook(response: httpx.Response) -> None:
        read.append(response.read())

    async def async_hook(response: httpx.Response) -> None:
        read.append(await response.aread())

    own = brought(face, event_hooks={"response": [hook if face.is_blocking else async_hook]})
    with ScriptedServer([Gzip(Json(200, JOB))]) as server:
        async with face.client(server.url, http_client=own, max_retries=0) as client:
            assert (await client.jobs.get("job-1")).id == "job-1"
        await close(face, own)
    assert len(read) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_it_reaches_a_real_server(face: Face, stream: bool, server: MockServer) -> None:
    own = brought(face)
    async with face.client(server.url, http_client=own) as client:
        job = await client.jobs.submit(TEMPLATE)
        if stream:
            lines = [line async for line in client.jobs.logs_stream(job.id)]
            assert lines == (await client.jobs.logs(job.id)).lines
        else:
            assert (await client.jobs.get(job.id)).id == job.id
    await close(face, own)


@pytest.mark.parametrize(("kind", "other"), [(VantageClient, httpx.AsyncClient), (AsyncVantageClient, httpx.Client)])
def test_the_wrong_kind_of_client_is_refused_at_once(kind: type[Any], other: type[Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="http_client"):
        kind("your-api-key", http_client=other())


async def test_respx_answers_for_the_default_transport(face: Face) -> None:
    with respx.mock:
        route = respx.get(URL).mock(
            side_effect=[httpx.Response(429, json={"error": "slow down"}), httpx.Response(200, json=JOB)]
        )
        async with face.client("https://api.example", max_retries=0) as client:
            with pytest.raises(RateLimitError):
                await client.jobs.get("job-1")
            assert (await client.jobs.get("job-1")).id == "job-1"
    assert route.call_count == 2


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    face: Face, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer([]) as proxy, ScriptedServer([Json(200, JOB)]) as server:
        monkeypatch.setenv(name, proxy.url)
        async with face.client(server.url, trust_env=True, max_retries=0) as client:
            assert (await client.jobs.get("job-1")).id == "job-1"
    assert proxy.connections == 0


async def test_a_proxy_of_the_environment_is_used_for_other_machines(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(request: Request, connection: int) -> Step:
        return Json(200, JOB)

    with ScriptedServer(script) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with face.client("http://api.example", allow_insecure=True, trust_env=True, max_retries=0) as client:
            await client.jobs.get("job-1")
    assert proxy.requests[0].target == "http://api.example/v1/jobs/job-1"


@pytest.mark.parametrize("kind", [VantageClient, AsyncVantageClient])
@pytest.mark.parametrize("url", ["http://api.example", "http://10.0.0.1", "http://127.0.0.1.example", "http://0.0.0.0"])
def test_the_key_is_not_sent_unencrypted_to_another_machine(kind: type[Any], url: str) -> None:
    with pytest.raises(ConfigError, match="allow_insecure"):
        kind("your-api-key", url)
    assert kind("your-api-key", url, allow_insecure=True).config.origin is not None


BAD = ["", ".", "..", "a\nb", "\x00", "a\x7f", "\udc80"]


async def test_an_id_that_is_no_segment_is_refused_before_anything_is_sent(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        jobs = client.jobs
        for bad in BAD:
            for call in (jobs.get, jobs.delete, jobs.cancel, jobs.logs, jobs.output):
                with pytest.raises(ValueError, match="job_id"):
                    await call(bad)
            with pytest.raises(ValueError, match="job_id"):
                _ = [line async for line in jobs.logs_stream(bad)]
            with pytest.raises(ValueError, match="name"):
                await client.clusters.get(bad)
            with pytest.raises(ValueError, match="path"):
                await client.request("GET", f"/jobs/{bad}/logs")
    assert server.journal == []


ODD = ["a/b", "../clusters", "a?b=c", "a#b", "a%2Fb", "a b", "järn", "名前", "a;b", "a\\b", "...", "%2e%2e", "🙂"]


async def test_an_odd_id_arrives_as_one_segment(face: Face) -> None:
    with ScriptedServer([Json(404, {"error": "not_found"})] * len(ODD)) as server:
        async with face.client(server.url, max_retries=0) as client:
            for odd in ODD:
                with pytest.raises(ResourceNotFoundError):
                    await client.jobs.get(odd)
    targets = [request.target for request in server.requests]
    assert all(target.isascii() and target.count("/") == 3 and "?" not in target for target in targets)
    assert [httpx.URL(f"http://host{target}").path for target in targets] == [f"/v1/jobs/{odd}" for odd in ODD]
