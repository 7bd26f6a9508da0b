"""The description of the API, and the pages made from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import validate

from mock_server.documents import ASSETS, PAGE, read_asset
from mock_server.families import FAMILIES
from mock_server.openapi import describe

if TYPE_CHECKING:
    import httpx

DOCUMENTED = {
    ("GET", "/v1/jobs"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs/{job_id}"),
    ("PATCH", "/v1/jobs/{job_id}"),
    ("DELETE", "/v1/jobs/{job_id}"),
    ("GET", "/v1/jobs/{job_id}/output"),
    ("GET", "/v1/jobs/{job_id}/logs"),
    ("GET", "/v1/clusters"),
    ("GET", "/v1/clusters/{cluster_id}"),
    ("GET", "/v1/clusters/{cluster_id}/usage"),
    ("GET", "/v1/clusters/{cluster_id}/nodes"),
    ("GET", "/v1/storage/files"),
    ("POST", "/v1/storage/files"),
    ("GET", "/v1/storage/files/{file_id}"),
    ("GET", "/v1/storage/files/{file_id}/download"),
    ("DELETE", "/v1/storage/files/{file_id}"),
    ("GET", "/v1/teams"),
    ("GET", "/v1/teams/{team_id}"),
    ("GET", "/v1/teams/{team_id}/members"),
    ("POST", "/v1/teams/{team_id}/members"),
    ("DELETE", "/v1/teams/{team_id}/members/{user_id}"),
    ("GET", "/v1/users/me"),
    ("PATCH", "/v1/users/me"),
    ("GET", "/v1/users/{user_id}/jobs"),
    ("GET", "/v1/billing/usage"),
    ("GET", "/v1/billing/invoices"),
    ("GET", "/v1/billing/invoices/{invoice_id}"),
    ("GET", "/v1/monitoring/jobs/{job_id}/metrics"),
    ("GET", "/v1/monitoring/clusters/{cluster_id}/metrics"),
    ("GET", "/v1/webhooks"),
    ("POST", "/v1/webhooks"),
    ("PATCH", "/v1/webhooks/{webhook_id}"),
    ("DELETE", "/v1/webhooks/{webhook_id}"),
}
ASSUMED = {
    ("POST", "/v1/clusters/{cluster_id}/scale"),
    ("OPTIONS", "/v1/storage/files"),
    ("OPTIONS", "/v1/storage/uploads"),
    ("POST", "/v1/storage/uploads"),
    ("HEAD", "/v1/storage/uploads/{upload_id}"),
    ("PATCH", "/v1/storage/uploads/{upload_id}"),
    ("DELETE", "/v1/storage/uploads/{upload_id}"),
}


@pytest.fixture
def description(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi").json()
    return found


def operations(description: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, item in description["paths"].items()
        for method, operation in item.items()
    }


def test_it_is_valid(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    validate(description)


def test_it_marks_what_no_document_promises(description: dict[str, Any]) -> None:
    found = operations(description)
    assert {key for key, operation in found.items() if "x-assumed" not in operation} == DOCUMENTED
    assert {key for key, operation in found.items() if "x-assumed" in operation} == ASSUMED


def test_every_operation_has_a_name_of_its_own(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(description).values()]
    assert len(names) == len(set(names))
    assert {"jobs_list", "jobs_create", "jobs_logs", "clusters_scale"} <= set(names)


def test_workflows_are_described_as_well(client: httpx.Client) -> None:
    found = client.get("/api/v1/openapi.json", headers={"Authorization": ""}).json()
    assert client.get("/workflows/api/openapi", headers={"Authorization": ""}).json() == found
    assert client.get("/api/openapi").json() != found
    assert found["openapi"].startswith("3.1")
    validate(found)
    described = operations(found)
    assert len({operation["operationId"] for operation in described.values()}) == len(described) == 13
    assert not [operation for operation in described.values() if "x-assumed" in operation]
    assert described["POST", "/api/v1/workflows/{workflow_id}/execute"]["security"] == [
        {"bearer": ["workflows:execute"]}
    ]
    assert set(found["components"]["securitySchemes"]) == {"bearer", "session"}
    for (_, path), operation in described.items():
        types = {part["name"]: part["schema"]["type"] for part in operation["parameters"] if part["in"] == "path"}
        numbers = {"workflow_id": "integer", "key_id": "integer", "result_id": "string"}
        assert types == {name: kind for name, kind in numbers.items() if f"{{{name}}}" in path}
        assert ({"session": []} in operation["security"]) == path.startswith("/api/v1/keys")


def test_it_is_built_once() -> None:
    assert describe(FAMILIES[0]) is describe(FAMILIES[0])


def test_the_postman_collection_has_every_operation(client: httpx.Client, description: dict[str, Any]) -> None:
    collection = client.get("/api/postman").json()
    requests = [item["request"] for folder in collection["item"] for item in folder["item"]]
    found = {
        (request["method"], "/" + re.sub(r":(\w+)", r"{\1}", "/".join(request["url"]["path"]))) for request in requests
    }
    assert found == set(operations(description))
    assert collection["variable"][0]["value"] == str(client.base_url).rstrip("/")
    assert "v2.1.0" in collection["info"]["schema"]
    modes = {request["body"]["mode"]: request for request in requests if "body" in request}
    assert set(modes) == {"raw", "formdata", "file"}
    assert {"key": "file", "type": "file"} in modes["formdata"]["body"]["formdata"]
    assert modes["file"]["header"] == [{"key": "Content-Type", "value": "application/offset+octet-stream"}]


def test_the_documentation_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(links) == len(ASSETS) + len(FAMILIES)
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200
        assert len(answer.content) > 100
    assert "//" not in PAGE.replace("</", "")


@pytest.mark.parametrize("name", ["nothing.js", "..%2F..%2F__init__.py", "index.html"])
def test_other_files_are_not_served(client: httpx.Client, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


def test_the_user_interface_is_recent() -> None:
    assert b"3.1" in read_asset("swagger-ui-bundle.js")


def test_health_needs_no_key(client: httpx.Client) -> None:
    answer = client.get("/health", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
