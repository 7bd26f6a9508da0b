"""How a request gets to S9S: by a port, by a host of the documents, by its prefix; and never by its path alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from mock_server import MockServer
from mock_server.app import DISPATCHER
from mock_server.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"Authorization": "Bearer YOUR_TOKEN"}
PLATFORM_KEY = {"Authorization": "Bearer YOUR_API_KEY"}
HOSTS = ("your-s9s-instance.com", "api.example.com", "api-test.example.com")


@pytest.fixture
def ported(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(s9s_port=0)


def status(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers={**KEY, **headers})


def test_a_port_of_its_own_speaks_nothing_else(ported: MockServer) -> None:
    assert ported.s9s_url != ported.url
    assert status(f"{ported.s9s_url}/v1/status").json()["version"] == "v1"
    assert status(f"{ported.s9s_url}/api/v1/status").json()["version"] == "v1"
    assert status(f"{ported.s9s_url}/s9s/v1/status").json()["version"] == "v1"
    assert status(f"{ported.s9s_url}/platform/v1/jobs").json()["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert status(f"{ported.s9s_url}/api/v1/workflows").json()["error"]["code"] == "RESOURCE_NOT_FOUND"


def test_both_ports_show_one_world(ported: MockServer) -> None:
    assert httpx.get(f"{ported.s9s_url}/_mock").json() == httpx.get(f"{ported.url}/_mock").json()
    ported.advance(60)
    assert status(f"{ported.s9s_url}/v1/status").json()["timestamp"] == "2024-01-15T10:36:00Z"


def test_a_stopped_server_frees_both_ports(ported: MockServer) -> None:
    urls = ported.url, ported.s9s_url
    ported.stop()
    for url in urls:
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    ported.start()
    assert status(f"{ported.s9s_url}/v1/status").status_code == 200


def test_a_port_in_use_leaves_nothing_behind(ported: MockServer) -> None:
    taken = int(ported.s9s_url.rpartition(":")[2])
    other = MockServer(clock="manual", s9s_port=taken)
    with pytest.raises(OSError, match="in use"):
        other.start()
    with pytest.raises(RuntimeError, match="not running"):
        assert other.url


def test_without_a_port_the_prefix_is_its_address(server: MockServer) -> None:
    assert server.s9s_url == f"{server.url}/s9s"
    assert status(f"{server.s9s_url}/v1/status").json()["status"] == "ok"
    assert status(f"{server.s9s_url}/api/v1/status").json()["status"] == "ok"


@pytest.mark.parametrize("host", [*HOSTS, "API.example.com", "api.example.com:443"])
def test_the_documented_hosts_lead_to_it(server: MockServer, host: str) -> None:
    answer = status(f"{server.url}/v1/status", Host=host)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("host", "path", "family"),
    [
        ("api.vantage.omnivector.solutions", "/v1/jobs", "platform"),
        ("api.vantage.omnivector.solutions", "/api/v1/workflows", "workflows"),
        ("your-instance.com", "/api/v1/workflows", "workflows"),
        ("your-vantage-instance.com", "/api/v1/keys", "workflows"),
        ("your-instance.com", "/v1/jobs", "workflows"),
        ("api.example.com", "/v1/jobs", "s9s"),
        ("api.example.com", "/platform/v1/jobs", "s9s"),
        ("api.your-domain.com", "/api/v1/jobs/", "jobservice"),
        ("api.your-domain.com", "/v1/jobs", "jobservice"),
        ("unknown.example", "/v1/jobs", "platform"),
        ("unknown.example", "/s9s/v1/jobs", "s9s"),
        ("unknown.example", "/api/v1/workflows", "workflows"),
        ("", "/v1/jobs", "platform"),
        ("localhost:8000", "/nowhere", "platform"),
        ("localhost:8000", "/s9s", "platform"),
    ],
)
def test_who_answers(host: str, path: str, family: str) -> None:
    assert DISPATCHER.match(path, host).family.dialect.name == family


def test_no_host_stands_for_a_family_by_its_path_alone() -> None:
    assert [family.dialect.name for family in FAMILIES if not family.dialect.by_path] == ["s9s"]


@pytest.mark.parametrize("version", ["v2", "v0", "api/v2"])
def test_other_versions_are_not_there(s9s: httpx.Client, version: str) -> None:
    answer = s9s.get(f"/{version}/jobs")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert answer.json()["error"]["timestamp"] == "2024-01-15T10:35:00Z"


def test_another_method_is_refused_in_its_own_form(s9s: httpx.Client) -> None:
    answer = s9s.post("/v1/status")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET"


def test_a_key_means_another_request_in_another_family(server: MockServer) -> None:
    headers = {**PLATFORM_KEY, "Idempotency-Key": "same"}
    assert (
        httpx.post(f"{server.url}/v1/jobs", json={"name": "n", "command": "true"}, headers=headers).status_code == 201
    )
    answer = httpx.post(f"{server.s9s_url}/v1/jobs", json={"script": "true"}, headers=headers)
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)


def test_a_path_that_is_spelled_out_is_no_id(s9s: httpx.Client) -> None:
    for method in ("GET", "DELETE"):
        answer = s9s.request(method, "/v1/jobs/bulk")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
