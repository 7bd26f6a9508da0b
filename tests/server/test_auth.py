"""Who gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_server import Credential
from mock_server.auth import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer


@pytest.mark.parametrize("key", ["YOUR_API_KEY", "your-api-key", "your-key"])
def test_the_documented_keys_have_all_rights(
    server: MockServer, make_client: Callable[..., httpx.Client], key: str
) -> None:
    client = make_client(server, key=key)
    assert client.get("/v1/jobs").status_code == 200
    assert client.post("/v1/jobs", json={"name": "n", "command": "true"}).status_code == 201


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", "Bearer your_api_key", "Basic YOUR_API_KEY", "YOUR_API_KEY", "Bearer é"],
)
def test_anything_else_is_refused(
    server: MockServer, make_client: Callable[..., httpx.Client], authorization: str
) -> None:
    client = make_client(server, key=None)
    response = client.get("/v1/jobs", headers=[(b"Authorization", authorization.encode())])
    assert response.status_code == 401
    assert response.json()["error"] == "authentication_failed"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/job_123", "/v1/no-such-thing", "/v1/clusters/x/scale"])
def test_nothing_is_told_without_a_key(server: MockServer, make_client: Callable[..., httpx.Client], path: str) -> None:
    assert make_client(server, key=None).get(path).status_code == 401


def test_the_scheme_is_case_insensitive(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, key=None)
    assert client.get("/v1/jobs", headers={"Authorization": "bearer YOUR_API_KEY"}).status_code == 200


def test_a_key_without_the_right_to_write(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, key="read-only-key")
    assert client.get("/v1/jobs/job_123").status_code == 200
    for response in (
        client.post("/v1/jobs", json={"name": "n", "command": "true"}),
        client.patch("/v1/jobs/job_123", json={"name": "n"}),
        client.delete("/v1/jobs/job_123"),
        client.post("/v1/clusters/cluster_abc/scale", json={"nodes": 1}),
    ):
        assert response.status_code == 403
        assert response.json()["error"] == "permission_denied"
    assert client.get("/v1/jobs/job_123").json()["status"] == "running"


def test_keys_can_be_added(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> None:
    server = make_server(api_keys=["plain", Credential("owned", user_id="user_7"), Credential("weak", can_write=False)])
    assert make_client(server, key="plain").get("/v1/jobs").status_code == 200
    job = make_client(server, key="owned").post("/v1/jobs", json={"name": "n", "command": "true"}).json()
    assert job["user_id"] == "user_7"
    assert make_client(server, key="weak").delete("/v1/jobs/job_123").status_code == 403


def test_the_organization_header_is_accepted(client: httpx.Client) -> None:
    assert client.get("/v1/jobs", headers={"X-Organization-ID": "your-org-id"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/openapi", "/api/postman", "/docs", "/docs/swagger-ui.css"])
def test_the_documentation_is_open(server: MockServer, make_client: Callable[..., httpx.Client], path: str) -> None:
    assert make_client(server, key=None).get(path).status_code == 200


def test_keys_are_not_shown(server: MockServer, client: httpx.Client) -> None:
    client.get("/v1/jobs", headers={"Cookie": "session=secret-cookie", "X-API-Key": "secret-key"})
    shown = repr(server.journal) + repr(Credential("secret-key")) + repr(NOBODY)
    assert "YOUR_API_KEY" not in shown
    assert "secret" not in shown
    assert ("authorization", "***") in server.journal[-1].headers
