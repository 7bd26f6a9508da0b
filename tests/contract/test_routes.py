"""Every method of the SDK leads to a documented endpoint, and every documented endpoint is on both sides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mock_server.families import FAMILIES
from mock_server.openapi import describe
from tests.contract import workflow_uses
from tests.contract.reference import reference_data
from tests.contract.uses import (
    CLUSTER,
    CLUSTER_ID,
    CONTENT,
    ENDPOINTS,
    EXTENSIONS,
    FILE,
    IDS,
    INVOICE,
    JOB,
    JOB_ID,
    MEMBER,
    TEAM,
    TEAM_ID,
    USER,
    USER_ID,
    USES,
    WEBHOOK,
    WEBHOOK_ID,
    Use,
)
from tests.support.recording import RecordingIO, body_of, client_of, event_answer, json_answer
from vantage_sdk import AsyncLiveStream, AsyncVantageClient, LiveStream, RawResponse, VantageClient
from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.resource import method, opening, stream
from vantage_sdk.core.stepping import AsyncStream, Stream, run
from vantage_sdk.platform import clusters, jobs, listing, storage, users

STREAMS = {"logs_stream", "as_completed", "download_stream", "open", "execute", "iter_pages", "iter_rows"}
STREAMS |= {name.partition(".")[2] for name in USES if name.endswith(("_all", "_paginated"))} - {"wait_all"}
ALL_USES = {**USES, **workflow_uses.USES}
ROUTES = {**ENDPOINTS, **workflow_uses.ENDPOINTS}
NOUNS = {name.partition(".")[0] for name in ALL_USES}
CASES = [
    pytest.param(name, use, id=f"{name}-{number}") for name, uses in ALL_USES.items() for number, use in enumerate(uses)
]
WHOLE = [case for case in CASES if str(case.values[0]).partition(".")[2] not in STREAMS]
CLIENTS = [VantageClient, AsyncVantageClient]


def template(wire: Wire) -> tuple[str, str]:
    """Return verb and path of an exchange, ids replaced by the names that the contract gives them."""
    path = wire.target.partition("?")[0]
    for name, value in IDS.items():
        path = path.replace(f"/{value}", f"/{{{name}}}")
    for place, name in workflow_uses.PLACES:
        path = path.replace(place, name)
    return wire.method, path


def answer(wire: Wire) -> Answer:
    """Answer any documented endpoint."""
    verb, path = template(wire)
    if dict(wire.headers)[b"Accept"] == b"text/event-stream":
        return event_answer(["first", "second"])
    endpoint = next(name for name, route in ROUTES.items() if route == (verb, path))
    if endpoint in workflow_uses.ENDPOINTS:
        return json_answer(workflow_uses.body(endpoint))
    if endpoint == "storage_download":
        return Answer(200, {"content-length": str(len(CONTENT))}, CONTENT)
    bodies: dict[str, Any] = {
        "jobs_list": {"jobs": [JOB], "total": 1, "page": 1, "per_page": 50},
        "jobs_logs": {"job_id": JOB_ID, "lines": ["first"], "total_lines": 1},
        "jobs_output": {"job_id": JOB_ID, "output_path": None, "files": []},
        "clusters_list": {"clusters": [CLUSTER], "total": 1, "page": 1, "per_page": 50},
        "clusters_nodes": {"cluster_id": CLUSTER_ID, "nodes": [{"name": "node-1"}], "total": 1},
        "clusters_usage": {"cluster_id": CLUSTER_ID},
        "storage_list": {"files": [FILE], "total": 1, "page": 1, "per_page": 50},
        "storage_upload": FILE,
        "storage_get": FILE,
        "teams_list": {"teams": [TEAM], "total": 1, "page": 1, "per_page": 50},
        "teams_get": TEAM,
        "team_members_list": {"members": [MEMBER], "total": 1, "page": 1, "per_page": 50},
        "users_me": USER,
        "users_update_me": USER,
        "users_jobs": {"jobs": [JOB], "total": 1, "page": 1, "per_page": 50},
        "billing_usage": {"currency": "USD", "items": []},
        "billing_invoices_list": {"invoices": [INVOICE], "total": 1, "page": 1, "per_page": 50},
        "billing_invoices_get": INVOICE,
        "monitoring_job_metrics": {"job_id": JOB_ID, "metrics": []},
        "monitoring_cluster_metrics": {"cluster_id": CLUSTER_ID, "metrics": []},
        "webhooks_list": {"webhooks": [WEBHOOK], "total": 1, "page": 1, "per_page": 50},
    }
    singles = {"jobs": JOB, "clusters": CLUSTER, "team": MEMBER, "webhooks": WEBHOOK}
    return json_answer(bodies.get(endpoint) or singles.get(endpoint.partition("_")[0], CLUSTER))


def finish(result: Any) -> Any:
    """Return what a call of either face comes to."""
    if isinstance(result, Stream | LiveStream):
        return list(result)
    if isinstance(result, AsyncStream | AsyncLiveStream):
        return run(_listed(result))
    return run(result) if hasattr(result, "send") else result


async def _listed(items: AsyncStream[Any] | AsyncLiveStream[Any]) -> list[Any]:
    return [item async for item in items]


def asked(io: RecordingIO) -> list[tuple[str, str]]:
    return [template(wire) for wire in io.wires]


def methods_of(client: Any) -> set[str]:
    """Return the public methods of all resources of a client."""
    return {
        f"{noun}.{name}"
        for noun in NOUNS
        for base in type(getattr(client, noun)).__mro__
        for name, value in vars(base).items()
        if isinstance(value, method | stream | opening) and not name.startswith("_")
    }


def call(client: Any, name: str, use: Use) -> Any:
    noun, _, verb = name.partition(".")
    return finish(getattr(getattr(client, noun), verb)(*use.args, **use.options))


def recorder() -> RecordingIO:
    return RecordingIO(answer, {"job.yaml": b"name: n\ncommand: date\n"})


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), CASES)
def test_a_method_asks_documented_endpoints(name: str, use: Use, kind: Any) -> None:
    io = recorder()
    call(client_of(io, kind), name, use)
    assert asked(io) == [ROUTES[endpoint] for endpoint in use.endpoints.split()]
    assert io.pauses == []
    assert all(opened.closed for opened in io.opened)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), WHOLE)
def test_the_raw_form_asks_the_same_and_shows_the_answer(name: str, use: Use, kind: Any) -> None:
    io = recorder()
    raw = call(client_of(io, kind).with_raw, name, use)
    assert isinstance(raw, RawResponse)
    assert raw.status_code == 200
    assert asked(io) == [ROUTES[endpoint] for endpoint in use.endpoints.split()]


@pytest.mark.parametrize("kind", CLIENTS)
def test_no_method_is_left_out(kind: Any) -> None:
    assert methods_of(client_of(recorder(), kind)) == ALL_USES.keys()


def test_every_endpoint_has_a_method() -> None:
    assert {
        endpoint for uses in ALL_USES.values() for use in uses for endpoint in use.endpoints.split()
    } == ROUTES.keys()


def test_the_server_has_exactly_these_routes() -> None:
    family = next(family for family in FAMILIES if family.dialect.prefix == "/v1")
    routes = [(route.method, route.path) for route in family.endpoints if not route.public]
    expected = ENDPOINTS
    assert sorted(routes) == sorted([*expected.values(), *EXTENSIONS])
    documented = {route.id: (route.method, route.path) for route in family.endpoints if route.id in expected}
    assert documented == expected


def test_the_server_has_exactly_these_routes_of_workflows() -> None:
    family = next((family for family in FAMILIES if family.dialect.prefix == "/api/v1"), None)
    if family is None:
        pytest.skip("the bundled server does not speak the workflows API")
    routes = {(route.method, route.path) for route in family.endpoints if not route.public}
    named = {(verb, re.sub(r"\{\w+\}", "{}", path)) for verb, path in routes if verb != "OPTIONS"}
    assert named == {(verb, re.sub(r"\{\w+\}", "{}", path)) for verb, path in workflow_uses.ENDPOINTS.values()}


def test_the_table_of_workflows_is_that_of_the_contract() -> None:
    written = reference_data("endpoints.yaml")["families"]["workflows"]["endpoints"]
    ours = {row["id"]: (row["method"], row["full_path"]) for row in written if row["method"] != "OPTIONS"}
    assert ours == workflow_uses.ENDPOINTS


def test_the_server_describes_exactly_these_routes() -> None:
    described = {
        (verb.upper(), path)
        for path, item in describe(FAMILIES[0])["paths"].items()
        for verb in item
        if path.startswith("/v1/")
    }
    assert described == {*ENDPOINTS.values(), *EXTENSIONS}


def test_the_table_is_that_of_the_contract() -> None:
    written = reference_data("endpoints.yaml")["families"]["platform"]["endpoints"]
    ours = {row["id"]: (row["method"], row["full_path"]) for row in written if row["full_path"].startswith("/v1/")}
    assert ours == ENDPOINTS


@pytest.mark.parametrize(
    ("name", "options", "sent"),
    [
        ("list", {"status": "running", "cluster": "gpu", "user_id": "u"}, "status=running cluster_id=gpu user_id=u"),
        ("list", {"limit": 10, "offset": 20, "sort": "-name"}, "limit=10 offset=20 sort=-name"),
        ("list", {"created_after": "2024-01-01", "updated_before": "2024-02-01T00:00:00Z"}, ""),
        ("logs", {"tail": 5, "since": "2024-01-01T00:00:00Z", "timestamps": True}, ""),
        ("get", {"include": ["metrics"]}, "include=metrics"),
    ],
)
def test_a_query_has_what_was_given_and_nothing_else(name: str, options: dict[str, Any], sent: str) -> None:
    io = recorder()
    call(client_of(io, VantageClient), f"jobs.{name}", Use("", () if name == "list" else (JOB_ID,), options))
    wanted = dict(part.split("=", 1) for part in sent.split()) or {
        key: "true" if value is True else str(value) for key, value in options.items()
    }
    assert dict(parse_qsl(io.wires[0].target.partition("?")[2])) == wanted


@pytest.mark.parametrize(
    ("name", "use", "body"),
    [
        ("jobs.cancel", Use("", (JOB_ID,)), {"status": "cancelled"}),
        ("jobs.cancel", Use("", (JOB_ID,), {"reason": "r"}), {"status": "cancelled", "reason": "r"}),
        ("jobs.update", Use("", (JOB_ID,), {"name": "n", "priority": 0}), {"name": "n", "priority": 0}),
        ("clusters.scale", Use("", (CLUSTER_ID,), {"nodes": 0}), {"nodes": 0}),
        (
            "clusters.scale",
            Use("", (CLUSTER_ID,), {"min_nodes": 2, "max_nodes": 20, "target_utilization": 0.8}),
            {"min_nodes": 2, "max_nodes": 20, "target_utilization": 0.8},
        ),
        ("jobs.delete", Use("", (JOB_ID,)), None),
        ("teams.add_member", Use("", (TEAM_ID, USER_ID)), {"user_id": USER_ID}),
        ("teams.add_member", Use("", (TEAM_ID, "u"), {"role": "admin"}), {"user_id": "u", "role": "admin"}),
        ("teams.remove_member", Use("", (TEAM_ID, USER_ID)), None),
        ("users.update_me", Use("", (), {"email": "a@b.example"}), {"email": "a@b.example"}),
        ("webhooks.create", Use("", ("http://h/", ("job.failed",))), {"url": "http://h/", "events": ["job.failed"]}),
        (
            "webhooks.create",
            Use("", ("http://h/", ["a", "b"]), {"secret": "s3cret", "active": False}),
            {"url": "http://h/", "events": ["a", "b"], "secret": "s3cret", "active": False},
        ),
        ("webhooks.update", Use("", (WEBHOOK_ID,), {"active": False}), {"active": False}),
        ("webhooks.delete", Use("", (WEBHOOK_ID,)), None),
    ],
)
def test_a_body_has_what_was_given_and_nothing_else(name: str, use: Use, body: Any) -> None:
    io = recorder()
    call(client_of(io, VantageClient), name, use)
    assert body_of(io.wires[0]) == body


def test_a_query_is_written_in_the_same_order_by_every_process() -> None:
    for module, filters in (
        (jobs, jobs.JobFilters),
        (clusters, clusters.ClusterFilters),
        (storage, storage.FileFilters),
        (listing, listing.ListFilters),
        (users, users.UserJobFilters),
    ):
        documented = [name for name in filters.__annotations__ if name in module._FILTERS]
        assert [*module._FILTERS] == documented, module.__name__
