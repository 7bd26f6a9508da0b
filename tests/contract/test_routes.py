"""Every method of the SDK leads to a documented endpoint, and every documented endpoint is on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mock_server.families import FAMILIES
from mock_server.openapi import describe
from tests.contract.reference import reference_data
from tests.contract.uses import (
    CLUSTER,
    CLUSTER_ID,
    CONTENT,
    ENDPOINTS,
    EXTENSIONS,
    FILE,
    FILE_ID,
    JOB,
    JOB_ID,
    SERVED,
    USES,
    Use,
)
from tests.support.recording import RecordingIO, body_of, client_of, event_answer, json_answer
from vantage_sdk import AsyncVantageClient, RawResponse, VantageClient
from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.resource import method, opening, stream
from vantage_sdk.core.stepping import AsyncStream, Stream, run
from vantage_sdk.platform import clusters, jobs, storage

STREAMS = {"list_paginated", "list_all", "logs_stream", "as_completed", "download_stream", "open"}
CASES = [
    pytest.param(name, use, id=f"{name}-{number}") for name, uses in USES.items() for number, use in enumerate(uses)
]
WHOLE = [case for case in CASES if str(case.values[0]).partition(".")[2] not in STREAMS]
CLIENTS = [VantageClient, AsyncVantageClient]


def template(wire: Wire) -> tuple[str, str]:
    """Return verb and path of an exchange, ids replaced by the names that the contract gives them."""
    path = wire.target.partition("?")[0]
    for value, name in ((JOB_ID, "{job_id}"), (CLUSTER_ID, "{cluster_id}"), (FILE_ID, "{file_id}")):
        path = path.replace(f"/{value}", f"/{name}")
    return wire.method, path


def answer(wire: Wire) -> Answer:
    """Answer any documented endpoint."""
    verb, path = template(wire)
    if dict(wire.headers)[b"Accept"] == b"text/event-stream":
        return event_answer(["first", "second"])
    endpoint = next(name for name, route in ENDPOINTS.items() if route == (verb, path))
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
    }
    return json_answer(bodies.get(endpoint, JOB if endpoint.startswith("jobs") else CLUSTER))


def finish(result: Any) -> Any:
    """Return what a call of either face comes to."""
    if isinstance(result, Stream):
        return list(result)
    if isinstance(result, AsyncStream):
        return run(_listed(result))
    return run(result) if hasattr(result, "send") else result


async def _listed(items: AsyncStream[Any]) -> list[Any]:
    return [item async for item in items]


def asked(io: RecordingIO) -> list[tuple[str, str]]:
    return [template(wire) for wire in io.wires]


def methods_of(client: Any) -> set[str]:
    """Return the public methods of all resources of a client."""
    return {
        f"{noun}.{name}"
        for noun in ("jobs", "clusters", "storage")
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
    assert asked(io) == [ENDPOINTS[endpoint] for endpoint in use.endpoints.split()]
    assert io.pauses == []
    assert all(opened.closed for opened in io.opened)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), WHOLE)
def test_the_raw_form_asks_the_same_and_shows_the_answer(name: str, use: Use, kind: Any) -> None:
    io = recorder()
    raw = call(client_of(io, kind).with_raw, name, use)
    assert isinstance(raw, RawResponse)
    assert raw.status_code == 200
    assert asked(io) == [ENDPOINTS[endpoint] for endpoint in use.endpoints.split()]


@pytest.mark.parametrize("kind", CLIENTS)
def test_no_method_is_left_out(kind: Any) -> None:
    assert methods_of(client_of(recorder(), kind)) == USES.keys()


def test_every_endpoint_has_a_method() -> None:
    assert {
        endpoint for uses in USES.values() for use in uses for endpoint in use.endpoints.split()
    } == ENDPOINTS.keys()


def test_the_server_has_exactly_these_routes() -> None:
    family = next(family for family in FAMILIES if family.dialect.prefix == "/v1")
    routes = [(route.method, route.path) for route in family.endpoints if not route.public]
    expected = {**ENDPOINTS, **SERVED}
    assert sorted(routes) == sorted([*expected.values(), *EXTENSIONS])
    documented = {route.id: (route.method, route.path) for route in family.endpoints if route.id in expected}
    assert documented == expected


def test_the_server_describes_exactly_these_routes() -> None:
    described = {
        (verb.upper(), path)
        for path, item in describe(FAMILIES[0])["paths"].items()
        for verb in item
        if path.startswith("/v1/")
    }
    assert described == {*ENDPOINTS.values(), *SERVED.values(), *EXTENSIONS}


def test_the_table_is_that_of_the_contract() -> None:
    written = reference_data("endpoints.yaml")["families"]["platform"]["endpoints"]
    ours = {row["id"]: (row["method"], row["full_path"]) for row in written if row["full_path"].startswith("/v1/")}
    assert ours == {**ENDPOINTS, **SERVED}


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
    ):
        documented = [name for name in filters.__annotations__ if name in module._FILTERS]
        assert [*module._FILTERS] == documented, module.__name__
