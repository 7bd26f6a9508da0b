"""The blocking and the asynchronous client are the same but for the waiting, and show what the documents show."""

from __future__ import annotations

import inspect
import types
from typing import Any, get_args, get_type_hints

import pytest

from tests.contract.reference import reference_data
from tests.contract.surface import ALL_NOUNS, NEEDED, NOUNS, PAIRS, SERVICES, SURFACE
from tests.support.recording import RecordingIO, client_of, json_answer
from vantage_sdk import (
    AsyncVantageClient,
    JobServiceClient,
    RawResponse,
    S9SClient,
    VantageClient,
    wait_for_completion,
)
from vantage_sdk.config import DEFAULT_BASE_URL
from vantage_sdk.core.resource import Async, RawAsync, RawSync, Resource, Sync, method, opening, stream
from vantage_sdk.core.stepping import AsyncStream, Stream, run
from vantage_sdk.resources import Resources

CLIENT = {
    "api_key": None,
    "base_url": None,
    "organization": None,
    "timeout": 30.0,
    "max_retries": 3,
    "debug": False,
}


def client(kind: type[Any]) -> Any:
    return client_of(RecordingIO(lambda wire: json_answer({"id": "job-1", "status": "running"})), kind)


def resource(noun: str, mode: type[Any]) -> Any:
    service, _, name = noun.rpartition(".")
    blocking, asynchronous = SERVICES[service][:2] if service else (VantageClient, AsyncVantageClient)
    owner = client(blocking if mode in (Sync, RawSync) else asynchronous)
    return getattr(owner if mode in (Sync, Async) else owner.with_raw, name)


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def kinds(noun: str) -> dict[str, method[..., Any] | stream[..., Any] | opening[Any, Any]]:
    """Return the public methods of a resource as they were declared."""
    cls = type(resource(noun, Sync))
    found = {name: inspect.getattr_static(cls, name) for name in public(cls)}
    return {name: kind for name, kind in found.items() if isinstance(kind, method | stream | opening)}


CASES = [(noun, name) for noun in ALL_NOUNS for name in sorted(kinds(noun))]


def options_of(body: Any) -> set[str]:
    """Return the names that a method takes through ``Unpack``."""
    hints = get_type_hints(body, include_extras=True)
    variadic = [p.name for p in inspect.signature(body).parameters.values() if p.kind is p.VAR_KEYWORD]
    return {option for name in variadic for part in get_args(hints[name]) for option in get_type_hints(part)}


@pytest.mark.parametrize(("blocking", "asynchronous"), PAIRS)
def test_the_clients_differ_only_in_how_they_are_closed(blocking: type[Any], asynchronous: type[Any]) -> None:
    assert public(blocking) ^ public(asynchronous) == {"close", "aclose"}


def test_the_nouns_of_each_client_are_these() -> None:
    common = {"close", "config", "request", "with_options", "with_raw"}
    assert public(Resources) == public(VantageClient) - common == {*NOUNS}
    for kind, _, nouns in SERVICES.values():
        assert public(kind) - common == {*nouns}


def test_the_clients_are_made_alike() -> None:
    blocking, asynchronous = inspect.signature(VantageClient), inspect.signature(AsyncVantageClient)
    assert blocking == asynchronous
    shown = {name: parameter.default for name, parameter in blocking.parameters.items() if name in CLIENT}
    assert shown == CLIENT
    assert [*blocking.parameters][:3] == ["api_key", "base_url", "organization"]
    assert VantageClient(api_key="k").config.base_url == f"{DEFAULT_BASE_URL}/v1"


@pytest.mark.parametrize("pair", PAIRS)
def test_the_clients_show_the_same_documentation(pair: tuple[type[Any], type[Any]]) -> None:
    for name in public(pair[0]) & public(pair[1]) - {"request"}:
        blocking, asynchronous = (inspect.getattr_static(kind, name) for kind in pair)
        assert inspect.getdoc(blocking) == inspect.getdoc(asynchronous), name
        assert inspect.getdoc(blocking), name


@pytest.mark.parametrize("pair", PAIRS)
def test_both_clients_are_made_and_asked_alike(pair: tuple[type[Any], type[Any]]) -> None:
    assert inspect.signature(pair[0]) == inspect.signature(pair[1])
    assert inspect.signature(pair[0].request) == inspect.signature(pair[1].request)
    assert inspect.iscoroutinefunction(pair[1].request)


@pytest.mark.parametrize(
    ("kind", "first"), [(JobServiceClient, ["token", "base_url"]), (S9SClient, ["base_url", "token"])]
)
def test_the_services_take_the_options_of_every_client(kind: type[Any], first: list[str]) -> None:
    ours, usual = inspect.signature(kind).parameters, inspect.signature(VantageClient).parameters
    assert [*ours][:2] == first
    options = ("timeout", "max_retries", "deadline", "max_retry_wait", "debug", "http_client", "profile", "verify")
    for name in (*options, "proxy", "trust_env", "allow_insecure", "max_connections"):
        assert ours[name] == usual[name], name


def test_request_is_the_same_on_both_clients() -> None:
    assert inspect.iscoroutinefunction(AsyncVantageClient.request)
    assert not inspect.iscoroutinefunction(VantageClient.request)


@pytest.mark.parametrize("noun", ALL_NOUNS)
def test_every_public_coroutine_is_wrapped(noun: str) -> None:
    for base in type(resource(noun, Sync)).__mro__:
        if not issubclass(base, Resource):
            continue
        for name, value in vars(base).items():
            if not name.startswith("_"):
                assert isinstance(value, method | stream | opening), f"{base.__name__}.{name}"
                body = value._body
                wanted = inspect.isasyncgenfunction if isinstance(value, stream) else inspect.iscoroutinefunction
                assert wanted(body), f"{base.__name__}.{name}"


@pytest.mark.parametrize(("noun", "name"), CASES)
def test_a_method_looks_the_same_in_every_mode(noun: str, name: str) -> None:
    modes = [Sync, Async] if isinstance(kinds(noun)[name], stream | opening) else [Sync, Async, RawSync, RawAsync]
    faces = [getattr(resource(noun, mode), name) for mode in modes]
    assert all(isinstance(face, types.MethodType) for face in faces)
    assert len({str(inspect.signature(face)) for face in faces}) == 1
    assert "self" not in inspect.signature(faces[0]).parameters
    assert len({inspect.getdoc(face) for face in faces}) == 1
    assert inspect.getdoc(faces[0])
    assert {face.__name__ for face in faces} == {name}
    assert {face.__qualname__.rpartition(".")[2] for face in faces} == {name}


@pytest.mark.parametrize("noun", ALL_NOUNS)
def test_all_modes_have_the_same_methods(noun: str) -> None:
    shown = [public(resource(noun, mode)) for mode in (Sync, Async, RawSync, RawAsync)]
    assert shown[0] == shown[1] == shown[2] == shown[3] == kinds(noun).keys()


def test_what_a_method_returns_depends_on_the_mode_alone() -> None:
    assert resource("jobs", Sync).get("job-1").id == "job-1"
    assert isinstance(resource("jobs", RawSync).get("job-1"), RawResponse)
    for mode, kind in ((Async, "Job"), (RawAsync, "RawResponse")):
        pending = resource("jobs", mode).get("job-1")
        assert inspect.iscoroutine(pending)
        assert type(run(pending)).__name__ == kind
    assert isinstance(resource("jobs", Sync).list_all(), Stream)
    assert isinstance(resource("jobs", Async).list_all(), AsyncStream)


@pytest.mark.parametrize("mode", [RawSync, RawAsync])
def test_a_stream_has_no_raw_form_and_says_so(mode: type[Any]) -> None:
    for noun, name in CASES:
        if isinstance(kinds(noun)[name], stream | opening):
            with pytest.raises(TypeError, match=f"{name} streams its answer, so it has no raw form"):
                getattr(resource(noun, mode), name)


def test_the_raw_form_of_a_call_that_asks_nothing_has_its_data() -> None:
    raw = resource("jobs", RawSync)
    assert raw.cancel_batch([]).data.results == ()
    assert raw.submit_many([]).data == []


def test_the_raw_form_of_a_batch_has_its_outcomes_even_if_all_fail() -> None:
    io = RecordingIO(lambda wire: json_answer({"error": "resource_not_found", "message": "no such job"}, 404))
    raw = client_of(io, VantageClient).with_raw.jobs.cancel_batch(["job-1"])
    assert [outcome.success for outcome in raw.data] == [False]


@pytest.mark.parametrize("name", SURFACE)
def test_a_method_takes_what_is_documented(name: str) -> None:
    noun, _, verb = name.partition(".")
    face = getattr(resource(noun, Sync), verb)
    own = {key: parameter.default for key, parameter in inspect.signature(face).parameters.items()}
    expected = {key: default for key, default in SURFACE[name].items() if default is not ...}
    assert {key: own[key] for key in expected} == expected
    assert {key for key, default in SURFACE[name].items() if default is ...} <= options_of(kinds(noun)[verb]._body)
    positional = [key for key, default in expected.items() if default is NEEDED or default == "/"]
    assert [*own][: len(positional)] == positional
    for key, parameter in inspect.signature(face).parameters.items():
        allowed = (
            (parameter.POSITIONAL_OR_KEYWORD,) if key in positional else (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)
        )
        assert parameter.kind in allowed or key not in expected, key


@pytest.mark.parametrize(("noun", "name"), CASES)
def test_every_method_takes_the_common_options(noun: str, name: str) -> None:
    own = set(inspect.signature(getattr(resource(noun, Sync), name)).parameters)
    assert {"timeout", "deadline", "max_retries", "extra_headers"} <= own | options_of(kinds(noun)[name]._body)


@pytest.mark.parametrize(("noun", "name"), CASES)
def test_a_method_takes_every_keyword_that_it_shows_and_no_other(noun: str, name: str) -> None:
    face = getattr(resource(noun, Async), name)
    own = inspect.signature(face).parameters.values()
    needed = ["x" for parameter in own if parameter.default is NEEDED and parameter.kind is not parameter.VAR_KEYWORD]
    shown = {parameter.name for parameter in own if parameter.kind is parameter.KEYWORD_ONLY}
    for keyword in shown | options_of(kinds(noun)[name]._body):
        begun = face(*needed, **{keyword: None})
        begun.close() if inspect.iscoroutine(begun) else run(begun.aclose())
    with pytest.raises(TypeError, match="'max_retry'"):
        face(*needed, max_retry=1)


@pytest.mark.parametrize("mode", [Sync, RawSync, RawAsync])
def test_an_unknown_keyword_is_refused_before_anything_is_sent(mode: type[Any]) -> None:
    jobs = resource("jobs", mode)
    with pytest.raises(TypeError, match="'clutser'"):
        pending = jobs.list(clutser="gpu-cluster")
        run(pending)
    assert jobs._sender.io.wires == []


LISTS = [(noun, name) for noun in ALL_NOUNS for name in sorted(kinds(noun)) if f"{name}_paginated" in kinds(noun)]


def test_every_list_has_its_iterators() -> None:
    assert LISTS == [
        ("billing", "invoices"),
        ("clusters", "list"),
        ("jobs", "list"),
        ("storage", "list"),
        ("teams", "list"),
        ("teams", "members"),
        ("users", "jobs"),
        ("webhooks", "list"),
        ("workflows", "list"),
        ("jobservice.jobs", "list"),
    ]


@pytest.mark.parametrize("kind", ["paginated", "all"])
@pytest.mark.parametrize(("noun", "name"), LISTS)
def test_the_iterators_take_every_filter_of_the_list(noun: str, name: str, kind: str) -> None:
    assert options_of(kinds(noun)[f"{name}_{kind}"]._body) == options_of(kinds(noun)[name]._body)


def test_wait_for_completion_is_as_the_documented_snippet_calls_it() -> None:
    parameters = inspect.signature(wait_for_completion).parameters
    assert [*parameters][:2] == ["client", "job_id"]
    assert {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY} == {
        "timeout": None,
        "poll_interval": 1.0,
    }


def test_the_tables_are_those_of_the_contract() -> None:
    written = reference_data("sdk_surface.yaml")
    for noun, key in (("jobs", "JobsResource"), ("clusters", "ClustersResource"), ("storage", "StorageResource")):
        for name, row in written["resources"][key]["methods"].items():
            documented = {p for p, facts in row.get("params", {}).items() if facts["source"] == "documented"}
            if row.get("source") != "suggested":
                assert SURFACE[f"{noun}.{name}"].keys() >= documented, name
            own = inspect.signature(getattr(resource(noun, Sync), "wait" if "wait" in name else name)).parameters
            missing = documented - {*own} - options_of(kinds(noun)["wait" if "wait" in name else name]._body)
            assert not missing, name
    constructor = written["clients"]["VantageClient"]["constructor"]
    assert constructor.keys() == CLIENT.keys()
    for name in ("timeout", "max_retries", "debug", "organization"):
        assert CLIENT[name] == constructor[name]["default"], name
    assert constructor["base_url"]["default"] == DEFAULT_BASE_URL
