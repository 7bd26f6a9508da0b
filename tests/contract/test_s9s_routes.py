"""Every method of a client of S9S leads to a documented endpoint, and every documented endpoint has a method."""

from __future__ import annotations

import inspect
import types
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from tests.contract.reference import reference_data
from tests.contract.s9s_uses import BODIES, CONTENT, ELSEWHERE, ENDPOINTS, PLACES, USES
from tests.contract.test_routes import finish
from tests.contract.uses import Use
from tests.support.recording import RecordingIO, client_of, goodbye, json_answer
from vantage_sdk import AsyncS9SClient, RawResponse, S9SClient
from vantage_sdk.core.answer import Answer
from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.resource import Async, RawAsync, RawSync, Resource, Sync, _Keywords, live, method, opening, stream
from vantage_sdk.s9s.resources import Resources

CLIENTS = [S9SClient, AsyncS9SClient]
NOUNS = ("events", "exports", "jobs", "metrics", "nodes", "partitions", "reports", "users")
CASES = [
    pytest.param(name, use, id=f"{name}-{number}") for name, uses in USES.items() for number, use in enumerate(uses)
]


def template(wire: Wire) -> tuple[str, str]:
    path = wire.target.partition("?")[0]
    for place, name in PLACES:
        path = path.replace(place, name)
    return wire.method, path


def answer(wire: Wire) -> Answer:
    """Answer any documented endpoint."""
    endpoint = next(name for name, route in ENDPOINTS.items() if route == template(wire))
    if (b"Upgrade", b"websocket") in wire.headers:
        return goodbye({"action": "end"})
    if endpoint == "exports_download":
        return Answer(200, {"content-length": str(len(CONTENT))}, CONTENT)
    return json_answer(BODIES.get(endpoint, {**BODIES["jobs_get"], "node_name": "node001"}))


def call(client: Any, name: str, use: Use) -> Any:
    return finish(reduce(getattr, name.split("."), client)(*use.args, **use.options))


def kind_of(owner: Any, name: str) -> Any:
    """Return a method as it was declared."""
    noun, _, verb = name.rpartition(".")
    return inspect.getattr_static(type(getattr(owner, noun) if noun else owner), verb)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), CASES)
def test_a_method_asks_documented_endpoints(name: str, use: Use, kind: Any) -> None:
    io = RecordingIO(answer)
    call(client_of(io, kind), name, use)
    assert [template(wire) for wire in io.wires] == [ENDPOINTS[endpoint] for endpoint in use.endpoints.split()]
    assert io.pauses == []
    assert all(opened.closed for opened in io.opened)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(("name", "use"), CASES)
def test_the_raw_form_asks_the_same_and_shows_the_answer(name: str, use: Use, kind: Any) -> None:
    io = RecordingIO(answer)
    client = client_of(io, kind).with_raw
    if isinstance(kind_of(client, name), stream | live | opening):
        with pytest.raises(TypeError, match="streams its answer, so it has no raw form"):
            call(client, name, use)
        return
    raw = call(client, name, use)
    assert isinstance(raw, RawResponse)
    assert raw.status_code == 200 or "reports" in name
    assert [template(wire) for wire in io.wires] == [ENDPOINTS[endpoint] for endpoint in use.endpoints.split()]


def own_methods(cls: type[Any]) -> set[str]:
    found = {name: inspect.getattr_static(cls, name) for name in dir(cls) if not name.startswith("_")}
    return {name for name, value in found.items() if isinstance(value, method | stream | live | opening)}


@pytest.mark.parametrize("kind", CLIENTS)
def test_no_method_is_left_out(kind: Any) -> None:
    client = client_of(RecordingIO(answer), kind)
    known = {f"{noun}.{name}" for noun in NOUNS for name in own_methods(type(getattr(client, noun)))}
    assert known | own_methods(kind) == USES.keys()


def test_every_endpoint_has_a_method() -> None:
    assert {endpoint for uses in USES.values() for use in uses for endpoint in use.endpoints.split()} == {*ENDPOINTS}


def test_the_table_is_that_of_the_contract() -> None:
    written = reference_data("endpoints.yaml")["families"]["s9s"]["endpoints"]
    rows = {row["id"]: (row["method"].replace("WS", "GET"), row["full_path"]) for row in written}
    assert {name: route for name, route in rows.items() if name not in ELSEWHERE} == ENDPOINTS
    assert rows.keys() >= ELSEWHERE


def test_the_attributes_are_these() -> None:
    assert {name for name in dir(Resources) if not name.startswith("_")} >= {*NOUNS, "search", "status", "openapi"}


@pytest.mark.parametrize("name", USES)
def test_a_method_looks_the_same_in_every_mode(name: str) -> None:
    owners = [client_of(RecordingIO(answer), kind) for kind in CLIENTS]
    owners += (
        [] if isinstance(kind_of(owners[0], name), stream | live | opening) else [owner.with_raw for owner in owners]
    )
    faces = [reduce(getattr, name.split("."), owner) for owner in owners]
    assert all(isinstance(face, types.MethodType) for face in faces)
    assert len({str(inspect.signature(face)) for face in faces}) == 1
    assert "self" not in inspect.signature(faces[0]).parameters
    assert len({inspect.getdoc(face) for face in faces}) == 1
    assert {"timeout", "deadline", "max_retries", "extra_headers"} <= _Keywords(kind_of(owners[0], name)._body).names


@pytest.mark.parametrize("noun", NOUNS)
def test_every_public_coroutine_is_wrapped(noun: str) -> None:
    client = client_of(RecordingIO(answer), S9SClient)
    for base in type(getattr(client, noun)).__mro__:
        for name, value in vars(base).items() if issubclass(base, Resource) else ():
            if not name.startswith("_"):
                assert isinstance(value, method | stream | live | opening), f"{base.__name__}.{name}"


@pytest.mark.parametrize("mode", [Sync, Async, RawSync, RawAsync])
def test_an_unknown_keyword_is_refused_before_anything_is_sent(mode: Any) -> None:
    io = RecordingIO(answer)
    resources = Resources(client_of(io, S9SClient)._sender, mode)
    for begin, word in ((resources.jobs.list, "partiton"), (resources.search, "kind")):
        with pytest.raises(TypeError, match=word):
            finish(begin(**{word: "x"}, **({"q": "x"} if word == "kind" else {})))
    assert io.wires == []


def test_a_base_url_with_the_alias_keeps_it() -> None:
    io = RecordingIO(lambda wire: json_answer(BODIES["status"]))

    class Recorded(S9SClient):
        def _open(self, *_: Any) -> Any:
            return io

    for base in (
        "https://h.invalid",
        "https://h.invalid/v1/",
        "https://h.invalid/api/v1",
        "https://h.invalid/m/api/v1",
    ):
        Recorded(base, "t").status()
    assert [wire.target for wire in io.wires] == ["/v1/status", "/v1/status", "/api/v1/status", "/m/api/v1/status"]
