"""The credential goes to the origin of the base URL and nowhere else, whatever a server answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from tests.support.faces import Face
from tests.support.scripted import Json, Redirect, Request, ScriptedServer, Step
from vantage_sdk import VantageAPIError

KEY = "vntg_canary_0123456789abcdefghij"
JOB = {"id": "job-1", "status": "running"}
AWAY = {
    "another port": "http://127.0.0.1:{b}/v1/jobs/job-1",
    "no scheme": "//127.0.0.1:{b}/v1/jobs/job-1",
    "another scheme": "https://127.0.0.1:{a}/v1/jobs/job-1",
    "another name of this host": "http://localhost:{a}/v1/jobs/job-1",
    "a host that begins like ours": "http://127.0.0.1.evil.example:{a}/v1/jobs/job-1",
    "our host as user name": "http://127.0.0.1:{a}@127.0.0.1:{b}/v1/jobs/job-1",
    "a user name at our host": "http://user:word@127.0.0.1:{a}/v1/jobs/job-1",
    "a backslash before the real host": "http://127.0.0.1:{a}\\@127.0.0.1:{b}/v1/jobs/job-1",
    "two backslashes": "\\\\127.0.0.1:{b}/v1/jobs/job-1",
    "a tab that some parsers drop": "/\t/127.0.0.1:{b}/v1/jobs/job-1",
    "an international spelling": "http://127.0.0.1\xad.example:{b}/v1/jobs/job-1",
    "another kind of address": "file:///etc/hostname",
    "nothing": "",
}


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda request, connection: Json(200, JOB)) as server:
        yield server


def leading_to(location: str, elsewhere: ScriptedServer, status: int = 302) -> ScriptedServer:
    b = elsewhere.url.rpartition(":")[2]

    def script(request: Request, connection: int) -> Step:
        a = request.header("host") or ""
        return Redirect(status, location.format(a=a.rpartition(":")[2], b=b))

    return ScriptedServer(script)


@pytest.mark.parametrize("location", AWAY.values(), ids=AWAY.keys())
async def test_a_redirect_elsewhere_is_an_error(face: Face, location: str, elsewhere: ScriptedServer) -> None:
    with leading_to(location, elsewhere) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    assert caught.value.status_code == 302
    assert len(server.requests) == 1
    assert elsewhere.connections == 0


async def test_a_followed_log_is_not_redirected_elsewhere(face: Face, elsewhere: ScriptedServer) -> None:
    with leading_to("http://127.0.0.1:{b}/log", elsewhere) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError):
                _ = [line async for line in client.jobs.logs_stream("job-1")]
    assert elsewhere.connections == 0


async def test_the_way_back_is_not_reached_through_another_origin(face: Face) -> None:
    addresses: list[str] = []

    def back(request: Request, connection: int) -> Step:
        return Redirect(302, f"{addresses[0]}/v1/jobs/job-1")

    with ScriptedServer(back) as middle, ScriptedServer([Redirect(302, f"{middle.url}/")]) as server:
        addresses.append(server.url)
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError):
                await client.jobs.get("job-1")
    assert (len(server.requests), middle.connections) == (1, 0)


async def test_a_redirect_from_tls_to_plain_text_is_an_error(face: Face, elsewhere: ScriptedServer) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    with ScriptedServer([Redirect(301, f"{elsewhere.url}/v1/jobs/job-1")], tls=context) as server:
        async with face.client(server.url, api_key=KEY, verify=trusted, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    assert (caught.value.status_code, elsewhere.connections) == (301, 0)


@pytest.mark.parametrize(("status", "own"), [(301, True), (303, True), (307, True), (307, False), (308, False)])
async def test_a_post_is_never_redirected(face: Face, status: int, own: bool, elsewhere: ScriptedServer) -> None:
    with leading_to("/v1/jobs/other" if own else "http://127.0.0.1:{b}/v1/jobs", elsewhere, status) as server:
        async with face.client(server.url, api_key=KEY) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.submit({"name": "n", "command": "true"})
    assert caught.value.status_code == status
    assert len(server.requests) == 1
    assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["/v1/moved?x=1", "?x=1", "{own}/v1/moved?x=1#part", "//{host}/v1/moved"])
async def test_a_get_is_redirected_within_its_origin(face: Face, location: str) -> None:
    def script(request: Request, connection: int) -> Step:
        host = request.header("host") or ""
        if request.number == 0:
            return Redirect(302, location.format(own=f"http://{host}", host=host))
        return Json(200, JOB)

    with ScriptedServer(script) as server:
        async with face.client(server.url, api_key=KEY) as client:
            job: Any = await client.jobs.get("job-1")
    assert job.id == "job-1"
    assert [request.header("authorization") for request in server.requests] == [f"Bearer {KEY}"] * 2
    assert "#" not in server.requests[1].target


@pytest.mark.parametrize(("hops", "works"), [(5, True), (6, False)])
async def test_five_redirects_are_followed_and_no_more(face: Face, hops: int, works: bool) -> None:
    script = [*(Redirect(307, f"/v1/hop/{number}") for number in range(hops)), Json(200, JOB)]
    with ScriptedServer(script) as server:
        async with face.client(server.url, api_key=KEY, max_retries=0) as client:
            if works:
                assert (await client.jobs.get("job-1")).id == "job-1"
            else:
                with pytest.raises(VantageAPIError) as caught:
                    await client.jobs.get("job-1")
                assert caught.value.status_code == 307
    assert len(server.requests) == 6
