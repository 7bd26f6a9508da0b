"""Every method of the job service leads to a documented endpoint, and every documented endpoint has a method."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.jobservice_uses import ENDPOINTS, OPEN, PLACES, USES, body, example
from tests.contract.reference import HERE, reference_data
from tests.contract.test_routes import finish
from tests.contract.uses import Use
from tests.support.recording import RecordingIO, body_of, client_of, event_answer, json_answer
from vantage_sdk import AsyncJobServiceClient, JobServiceClient, RawResponse
from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.resource import method, opening, stream

CLIENTS = [JobServiceClient, AsyncJobServiceClient]
STREAMS = {"list_all", "list_paginated", "logs_stream", "as_completed"}
CASES = [
    pytest.param(name, use, id=f"{name}-{number}") for name, uses in USES.items() for number, use in enumerate(uses)
]
WHOLE = [case for case in CASES if str(case.values[0]).partition(".")[2] not in STREAMS]


def template(wire: Wire) -> tuple[str, str]:
    """Return verb and path of an exchange, ids replaced by the names that the contract gives them."""
    path = wire.target.partition("?")[0]
    for place, name in PLACES:
        path = path.replace(place, name)
    return wire.method, path


def endpoint_of(wire: Wire) -> str:
    return next(name for name, route in ENDPOINTS.items() if route == template(wire))


def answer(wire: Wire) -> Answer:
    """Answer any documented endpoint as documented."""
    if dict(wire.headers)[b"Accept"] == b"text/event-stream":
        return event_answer(["first", "second"])
    if (endpoint := endpoint_of(wire)) == "jobs_logs":
        return Answer(200, {"content-type": "text/plain"}, b"first\nsecond\n")
    return json_answer(body(endpoint))


def call(client: Any, name: str, use: Use) -> Any:
    noun, _, verb = name.partition(".")
    return finish(getattr(getattr(client, noun), verb)(*use.args, **use.options))


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), CASES)
def test_a_method_asks_documented_endpoints(name: str, use: Use, kind: Any) -> None:
    io = RecordingIO(answer)
    call(client_of(io, kind), name, use)
    assert [endpoint_of(wire) for wire in io.wires] == use.endpoints.split()
    assert all(opened.closed for opened in io.opened)
    for wire in io.wires:
        shown = dict(wire.headers).get(b"Authorization")
        assert shown == (None if endpoint_of(wire) in OPEN else b"Bearer your-api-key")


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), WHOLE)
def test_the_raw_form_asks_the_same_and_shows_the_answer(name: str, use: Use, kind: Any) -> None:
    io = RecordingIO(answer)
    raw = call(client_of(io, kind).with_raw, name, use)
    assert isinstance(raw, RawResponse)
    assert raw.status_code == 200


@pytest.mark.parametrize("kind", CLIENTS)
def test_no_method_is_left_out(kind: Any) -> None:
    client = client_of(RecordingIO(answer), kind)
    found = {
        f"{noun}.{name}"
        for noun in {name.partition(".")[0] for name in USES}
        for base in type(getattr(client, noun)).__mro__
        for name, value in vars(base).items()
        if isinstance(value, method | stream | opening) and not name.startswith("_")
    }
    assert found == USES.keys()


def test_every_endpoint_has_a_method() -> None:
    assert {name for uses in USES.values() for use in uses for name in use.endpoints.split()} == ENDPOINTS.keys()


def test_the_table_is_that_of_the_contract() -> None:
    written = reference_data("endpoints.yaml")["families"]["jobservice"]["endpoints"]
    described = {"docs", "openapi", "postman"}
    ours = {row["id"]: (row["method"], row["full_path"]) for row in written if row["id"] not in described}
    assert ours == ENDPOINTS


def test_a_new_job_is_sent_as_documented() -> None:
    sample = example("jobs_create.request")
    io = RecordingIO(answer)
    client = client_of(io, JobServiceClient)
    client.jobs.create(**sample)
    assert body_of(io.wires[0]) == sample
    assert list(body_of(io.wires[0])) == list(sample)


@pytest.mark.parametrize(
    ("name", "args", "options", "query"),
    [
        ("jobs.list", (), {}, ""),
        (
            "jobs.list",
            (),
            {"status": "queued", "job_type": "t", "priority_min": 0},
            "status=queued&job_type=t&priority_min=0",
        ),
        ("jobs.list", (), {"limit": 10, "offset": 20}, "limit=10&offset=20"),
        ("jobs.logs", ("j",), {}, ""),
        ("jobs.logs", ("j",), {"tail": 5, "timestamps": False}, "tail=5&timestamps=false"),
        ("jobs.logs_stream", ("j",), {}, "follow=true"),
        ("jobs.logs_stream", ("j",), {"tail": 0, "timestamps": True}, "follow=true&tail=0&timestamps=true"),
    ],
)
def test_a_query_has_what_was_given_and_nothing_else(name: str, args: Any, options: Any, query: str) -> None:
    def reply(wire: Wire) -> Answer:
        return event_answer([]) if "stream" in name else json_answer({"items": [], "lines": []})

    io = RecordingIO(reply)
    call(client_of(io, JobServiceClient), name, Use("", args, options))
    assert io.wires[0].target.partition("?")[2] == query


def test_the_examples_are_those_of_the_contract() -> None:
    from tests.contract.reference import reference

    for path in (HERE / "examples").glob("jobservice.*"):
        assert path.read_bytes() == (reference("examples") / path.name).read_bytes(), path.name
    assert {path.name for path in reference("examples").glob("jobservice.*")} == {
        path.name for path in (HERE / "examples").glob("jobservice.*")
    }
