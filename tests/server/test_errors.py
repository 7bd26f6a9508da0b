"""Every refusal has the documented form."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.exchange import MAX_BODY
from tests.server.conftest import raw_get

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/", "/v2/jobs", "/v1/jobs/job_123/nothing", "/v1//jobs"])
def test_unknown_paths(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["error"] == "resource_not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs", "GET, POST"),
        ("DELETE", "/v1/jobs", "GET, POST"),
        ("POST", "/v1/jobs/job_123", "DELETE, GET, PATCH"),
        ("HEAD", "/v1/jobs", "GET, POST"),
        ("OPTIONS", "/v1/clusters", "GET"),
        ("GET", "/v1/clusters/cluster_abc/scale", "POST"),
        ("POST", "/docs", "GET"),
    ],
)
def test_unknown_methods(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    client.event_hooks = {"response": []}
    response = client.request(method, path)
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    if method != "HEAD":
        assert response.json()["error"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/v1/jobs/", "/v1/jobs/job_123/", "/v1/clusters/", "/platform/v1/jobs"])
def test_trailing_slashes_and_the_mount_prefix_are_accepted(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "content", [b"", b"{", b"nothing", b'{"name": NaN}', b"\xff", b'{"a": "\\ud800"}', b"[" * 100_000]
)
def test_what_is_not_json(client: httpx.Client, content: bytes) -> None:
    response = client.post("/v1/jobs", content=content, headers=JSON)
    assert response.status_code == 400
    assert response.json()["error"] == "validation_error"
    assert response.json()["details"]["code"] == "malformed_json"


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"text"'])
def test_json_that_is_not_an_object(client: httpx.Client, content: bytes) -> None:
    response = client.post("/v1/jobs", content=content, headers=JSON)
    assert response.status_code == 400
    assert response.json()["details"] == {
        "field": "",
        "code": "invalid_type",
        "errors": response.json()["details"]["errors"],
    }


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_the_wrong_content_type(client: httpx.Client, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    response = client.post("/v1/jobs", content=b'{"name": "n", "command": "true"}', headers=headers)
    assert response.status_code == 415
    assert response.json()["error"] == "unsupported_media_type"


def test_a_charset_in_the_content_type_is_fine(client: httpx.Client) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/v1/jobs", content=b'{"name": "n", "command": "true"}', headers=headers).status_code == 201


def test_a_body_that_is_too_large(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", content=b" " * (MAX_BODY + 1), headers=JSON)
    assert response.status_code == 413
    assert response.json()["error"] == "payload_too_large"


def test_a_body_that_turns_out_too_large(client: httpx.Client) -> None:
    chunks = (b" " * 65536 for _ in range(MAX_BODY // 65536 + 1))
    assert client.post("/v1/jobs", content=chunks, headers=JSON).status_code == 413


def test_a_body_of_just_the_right_size(client: httpx.Client) -> None:
    body = json.dumps({"name": "n", "command": "true"}).encode()
    assert client.post("/v1/jobs", content=body.ljust(MAX_BODY), headers=JSON).status_code == 201


FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"command": "true"}, "name", "required"),
    ({"name": "n"}, "", "invalid_value"),
    ({"name": "n", "spec": {}}, "", "invalid_value"),
    ({"name": "", "command": "true"}, "name", "invalid_value"),
    ({"name": "n", "command": "true", "colour": "red"}, "colour", "unknown_field"),
    ({"name": 5, "command": "true"}, "name", "invalid_type"),
    ({"name": "n", "command": ["true"]}, "command", "invalid_type"),
    ({"name": "n", "command": None}, "command", "null_not_allowed"),
    ({"name": "n", "command": "true", "priority": -1}, "priority", "invalid_value"),
    ({"name": "n", "command": "true", "priority": "1"}, "priority", "invalid_type"),
    ({"name": "n", "command": "true", "priority": True}, "priority", "invalid_type"),
    ({"name": "n", "command": "true", "environment": {"A": 1}}, "environment.A", "invalid_type"),
    ({"name": "n", "command": "true", "resources": {"cpus": 1.5}}, "resources.cpus", "invalid_type"),
    ({"name": "n", "command": "true", "resources": {"cpus": "many"}}, "resources.cpus", "invalid_type"),
    ({"name": "n", "command": "true", "resources": {"memory": "8 apples"}}, "resources.memory", "invalid_value"),
    ({"name": "n", "command": "true", "resources": {"memory": 8}}, "resources.memory", "invalid_type"),
    ({"name": "n", "command": "true", "resources": {"disk": 8}}, "resources.disk", "unknown_field"),
    ({"name": "n", "spec": {"command": "echo hi"}}, "spec.command", "invalid_type"),
    ({"name": "n", "spec": {"command": []}}, "spec.command", "invalid_value"),
]


@pytest.mark.parametrize(("body", "field", "code"), FIELDS)
def test_a_bad_field_is_named(client: httpx.Client, body: dict[str, Any], field: str, code: str) -> None:
    response = client.post("/v1/jobs", json=body)
    assert response.status_code == 400
    details = response.json()["details"]
    assert (response.json()["error"], details["field"], details["code"]) == ("validation_error", field, code)


def test_all_faults_are_listed(client: httpx.Client) -> None:
    details = client.post("/v1/jobs", json={"name": 5, "colour": "red", "priority": -1}).json()["details"]
    assert {error["field"] for error in details["errors"]} == {"name", "colour", "priority"}


@pytest.mark.parametrize("body", [{}, {"reason": "r"}, {"status": "running"}, {"status": None}, {"command": "true"}])
def test_updates_that_make_no_sense(client: httpx.Client, body: dict[str, Any]) -> None:
    assert client.patch("/v1/jobs/job_123", json=body).status_code == 400


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/v1/jobs?colour=red", "colour", "unknown_field"),
        ("/v1/jobs?status=fine", "status", "invalid_value"),
        ("/v1/jobs?limit=1&limit=2", "limit", "repeated"),
        ("/v1/jobs/job_123?include=secrets", "include.0", "invalid_value"),
        ("/v1/jobs/job_123/output?tail=1", "tail", "unknown_field"),
        ("/v1/jobs/job_123/logs?tail=-1", "tail", "invalid_value"),
        ("/v1/jobs/job_123/logs?timestamps=1", "timestamps", "invalid_type"),
        ("/v1/clusters?provider=aws&provider=gcp", "provider", "repeated"),
    ],
)
def test_a_bad_parameter_is_named(client: httpx.Client, path: str, field: str, code: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert (response.json()["details"]["field"], response.json()["details"]["code"]) == (field, code)


def test_a_failure_of_the_server_itself(caplog: pytest.LogCaptureFixture) -> None:
    server = MockServer(clock="manual")

    def broken() -> None:
        raise ZeroDivisionError

    server.app.state.check = broken

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/v1/jobs", headers={"Authorization": "Bearer YOUR_API_KEY"})

    response = asyncio.run(ask())
    assert response.status_code == 500
    assert response.json()["error"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in response.text


def test_request_ids_repeat_with_the_seed(make_server: Callable[..., MockServer], make_client: Any) -> None:
    def ids(seed: int) -> list[str]:
        client = make_client(make_server(seed=seed))
        return [client.get("/v1/jobs").headers["X-Request-ID"] for _ in range(3)]

    assert ids(1) == ids(1)
    assert len({*ids(1), *ids(2)}) == 6


def test_what_is_not_http(talk: Callable[[bytes], bytes]) -> None:
    head, _, body = talk(b"HELLO\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"] == "validation_error"


@pytest.mark.parametrize("extra", [b"X-Long: " + b"x" * 70_000 + b"\r\n", b"X-Many: 1\r\n" * 101])
def test_headers_that_are_too_large(talk: Callable[[bytes], bytes], extra: bytes) -> None:
    request = raw_get("/v1/jobs").replace(b"Host:", extra + b"Host:")
    head, _, body = talk(request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["error"] == "headers_too_large"


def test_a_web_socket_is_refused(talk: Callable[[bytes], bytes]) -> None:
    upgrade = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\nConnection: "
    request = raw_get("/v1/jobs").replace(b"Connection: close", upgrade + b"Upgrade, close")
    assert talk(request).startswith(b"HTTP/1.1 200 ")
