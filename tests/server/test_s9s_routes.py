"""The routes of S9S are those of its document, and what is added says so."""

from __future__ import annotations

from mock_server.families import FAMILIES

DOCUMENTED = {
    *(("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("POST", "/v1/jobs/bulk")),
    *(("GET", "/v1/jobs/{job_id}"), ("DELETE", "/v1/jobs/{job_id}"), ("PUT", "/v1/jobs/{job_id}/hold")),
    *(("PUT", "/v1/jobs/{job_id}/release"), ("PUT", "/v1/jobs/{job_id}/priority")),
    *(("GET", "/v1/jobs/{job_id}/output"), ("GET", "/v1/jobs/{job_id}/error")),
    *(("GET", "/v1/nodes"), ("GET", "/v1/nodes/{node_name}"), ("PUT", "/v1/nodes/{node_name}/drain")),
    *(("PUT", "/v1/nodes/{node_name}/resume"), ("PUT", "/v1/nodes/{node_name}/state")),
    *(("GET", "/v1/users"), ("GET", "/v1/users/{username}"), ("GET", "/v1/partitions"), ("GET", "/v1/status")),
    *(("GET", "/v1/openapi.json"), ("GET", "/v1/openapi.yaml"), ("GET", "/docs"), ("GET", "/redoc")),
    *(("GET", "/v1/metrics/cluster"), ("GET", "/v1/metrics/performance"), ("GET", "/v1/metrics/efficiency")),
    *(("GET", "/v1/search"), ("POST", "/v1/export"), ("GET", "/v1/exports/{export_id}")),
    *(("GET", "/v1/exports/{export_id}/download"), ("POST", "/v1/reports"), ("GET", "/v1/reports")),
    *(("GET", "/v1/ws"), ("POST", "/oauth/token")),
}
ADDED = {("POST", "/v1/exports"), ("GET", "/v1/reports/{report_id}/download")}
ASSETS = {("GET", "/docs/{asset}"), ("GET", "/redoc/{asset}")}


def test_every_documented_route_is_there_and_no_other() -> None:
    (family,) = [family for family in FAMILIES if family.dialect.name == "s9s"]
    routes = {(route.method, route.path) for route in family.endpoints}
    assert routes == DOCUMENTED | ASSETS | ADDED
    assert {(route.method, route.path) for route in family.endpoints if route.assumed} == ADDED


def test_no_two_have_the_same_name() -> None:
    (family,) = [family for family in FAMILIES if family.dialect.name == "s9s"]
    names = [route.id for route in family.endpoints]
    assert len(names) == len(set(names))
