"""The routes of the job service: all that is documented, nothing else, and described."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from openapi_spec_validator import validate

from mock_server import MockServer
from mock_server.families import FAMILIES
from tests.contract.reference import reference_data

DOCUMENTED = {
    "jobs_create": ("POST", "/api/v1/jobs/"),
    "jobs_list": ("GET", "/api/v1/jobs/"),
    "jobs_get": ("GET", "/api/v1/jobs/{job_id}"),
    "jobs_cancel": ("DELETE", "/api/v1/jobs/{job_id}"),
    "jobs_logs": ("GET", "/api/v1/jobs/{job_id}/logs"),
    "queues_list": ("GET", "/api/v1/queues/"),
    "queues_get": ("GET", "/api/v1/queues/{queue_name}"),
    "clusters_list": ("GET", "/api/v1/clusters/"),
    "clusters_get": ("GET", "/api/v1/clusters/{cluster_name}"),
    "metrics_get": ("GET", "/api/v1/metrics/"),
    "health_live": ("GET", "/api/v1/health/live"),
    "health_ready": ("GET", "/api/v1/health/ready"),
}
FAMILY = next(family for family in FAMILIES if family.dialect.name == "jobservice")


def test_the_routes_are_the_documented_ones() -> None:
    routes = {route.id: (route.method, route.path) for route in FAMILY.endpoints if route.tag != "documents"}
    assert routes == DOCUMENTED
    assert {route.id for route in FAMILY.endpoints if route.tag != "documents" and route.public} == {
        "health_live",
        "health_ready",
    }


def test_the_table_is_that_of_the_contract() -> None:
    written = reference_data("endpoints.yaml")["families"]["jobservice"]["endpoints"]
    assert {row["id"]: (row["method"], row["full_path"]) for row in written} == DOCUMENTED
    limits = {row["id"]: row["rate_limit"]["limit"] for row in written}
    assert {
        route.id: FAMILY.dialect.policy(route, None).limit for route in FAMILY.endpoints if route.id in limits
    } == limits


def test_the_description(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, key=None)
    found = client.get("/jobservice/openapi.json").json()
    assert client.get("/jobservice/api/openapi").json() == found
    validate(found)
    described = {
        operation["operationId"]: (verb.upper(), path)
        for path, item in found["paths"].items()
        for verb, operation in item.items()
    }
    assert described == DOCUMENTED
    assert found["servers"] == [{"url": "/jobservice"}]
    probe = found["paths"]["/api/v1/health/ready"]["get"]
    assert probe["security"] == []
    assert {status: probe["responses"][status]["content"] for status in ("200", "503")} == {
        status: {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}}
        for status in ("200", "503")
    }
    assert found["components"]["securitySchemes"]["bearer"]["bearerFormat"] == "JWT"


def test_the_pages_need_nothing_from_elsewhere(server: MockServer, make_client: Callable[..., httpx.Client]) -> None:
    client = make_client(server, key=None)
    page = client.get("/jobservice/docs")
    assert page.status_code == 200
    assert '"/jobservice/openapi.json"' in page.text
    assert client.get("/jobservice/docs/swagger-ui.css").status_code == 200
    assert "https:" not in page.text
