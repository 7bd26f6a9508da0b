"""Errors: the right class, the facts, one line to act on, and safe to send elsewhere."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

import vantage_sdk.exceptions as exceptions
from mock_server import MockServer
from tests.support.answers import fault
from tests.support.faces import Face
from tests.support.scripted import Json, Reply, ScriptedServer
from vantage_sdk import (
    Job,
    JobFailedError,
    VantageAPIError,
    WebhookVerificationError,
    WorkflowFailedError,
    WorkflowResult,
)
from vantage_sdk.core.resource import Sync
from vantage_sdk.exceptions import Attempt
from vantage_sdk.models.workflow_result import Execution
from vantage_sdk.workflows.detached import DETACHED

CLASSES = [cls for _, cls in inspect.getmembers(exceptions, inspect.isclass) if issubclass(cls, VantageAPIError)]
BY_STATUS = {
    400: "ValidationError",
    401: "AuthenticationError",
    403: "AuthorizationError",
    404: "ResourceNotFoundError",
    409: "ConflictError",
    418: "VantageAPIError",
    422: "ValidationError",
    429: "RateLimitError",
    500: "ServerError",
    599: "ServerError",
}


@pytest.mark.parametrize(("status", "name"), BY_STATUS.items())
async def test_the_status_decides_the_class_and_the_code_is_kept(face: Face, status: int, name: str) -> None:
    details = {"field": "name", "code": "required"}
    with ScriptedServer([fault(status, "their_code", details=details)]) as server:
        async with face.client(server.url, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    error = caught.value
    assert type(error).__name__ == name
    assert (error.status_code, error.code, error.message) == (status, "their_code", "it failed")
    assert (error.details, error.request_id, error.retry_after) == (details, "req_1", None)
    assert str(error) == f"{status} their_code: it failed (GET /v1/jobs/job-1, req_1, attempt 1 of 1)"


ENVELOPES: list[tuple[Any, tuple[Any, ...]]] = [
    ({"error": "c", "message": "m", "details": {"a": 1}, "request_id": "r"}, ("c", "m", {"a": 1}, "r")),
    ({"success": False, "error": {"code": "C", "message": "m"}, "meta": {"request_id": "r"}}, ("C", "m", None, "r")),
    ({"error": {"code": "C", "message": "m", "details": [{"f": 1}], "request_id": "r"}}, ("C", "m", [{"f": 1}], "r")),
    (
        {"error": {"code": "C", "message": "m", "details": {"f": 1}, "request_id": "r", "timestamp": "t"}},
        ("C", "m", {"f": 1}, "r"),
    ),
    ({"error": "c"}, ("c", "Conflict", None, "header")),
    ({"detail": "x"}, (None, '{"detail": "x"}', None, "header")),
    ([], (None, "[]", None, "header")),
]


@pytest.mark.parametrize(("body", "facts"), ENVELOPES)
async def test_every_familys_error_body_is_read(face: Face, body: Any, facts: tuple[Any, ...]) -> None:
    with ScriptedServer([Json(409, body, {"X-Request-ID": "header"})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    error = caught.value
    assert (error.code, error.message, error.details, error.request_id) == facts


@pytest.mark.parametrize(
    "body", [b"", b"Bad Gateway \x1b[31mred\x07", b"<html>" + b"x" * 5000, b"\xff\xfe", b'{"error": {"code": null}}']
)
async def test_any_body_gives_one_printable_line(face: Face, body: bytes) -> None:
    with ScriptedServer([Reply(404, body)]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    line = str(caught.value)
    assert line.startswith("404")
    assert "\x1b" not in line
    assert "\x07" not in line
    assert len(line) < 400


async def test_the_key_is_scrubbed_from_all_that_a_server_echoes(face: Face) -> None:
    key = "vntg_0123456789abcdef0123456789"
    echo = fault(403, f"bad-{key}", message=f"no {key}", details={"field": key, key: [{"key": f"x{key}"}]})
    with ScriptedServer([echo]) as server:
        async with face.client(server.url, api_key=key) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.jobs.get("job-1")
    assert key not in str(caught.value) + repr(caught.value.details) + repr(vars(caught.value))


async def test_a_redirect_that_is_not_followed_is_an_error(face: Face) -> None:
    with ScriptedServer([Reply(302, b"", {"Location": "https://elsewhere.example/"})]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError, match="redirect") as caught:
                await client.jobs.get("job-1")
    assert caught.value.status_code == 302


def sample(cls: type[VantageAPIError]) -> VantageAPIError:
    if cls is JobFailedError:
        return JobFailedError("job failed", job=Job.from_dict({"id": "x", "status": "failed", "new": 1}))
    if cls is WorkflowFailedError:
        failed = Execution.from_dict({"status": "failed", "error": "why"})
        return WorkflowFailedError("workflow failed", result=WorkflowResult(DETACHED, Sync, failed, 42, {"a": 1}))
    if cls is WebhookVerificationError:
        return WebhookVerificationError("no signature fits", check="signature")
    error = cls(
        "it failed",
        status_code=404,
        code="c",
        details={"a": [1]},
        request_id="r",
        retry_after=3,
        method="GET",
        path="/v1/x",
    )
    error.attempts, error.max_attempts = (Attempt(1, "x", 0.5, 500, "r0"), Attempt(2, "y")), 4
    return error


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_every_error_survives_copies_and_pickles(cls: type[VantageAPIError], again: Any) -> None:
    error = sample(cls)
    error.add_note("a note")
    twin = again(error)
    assert type(twin) is cls
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)
    assert twin.args == error.args


def test_config_errors_are_value_errors_too() -> None:
    assert issubclass(exceptions.ConfigError, ValueError)


def test_the_tree_is_the_one_in_the_docstring() -> None:
    drawn: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (exceptions.__doc__ or "").splitlines():
        name = line.split()[0] if line.split() else ""
        if not name or not hasattr(exceptions, name):
            continue
        depth = len(line) - len(line.lstrip())
        while path and path[-1][0] >= depth:
            path.pop()
        drawn[name] = path[-1][1] if path else None
        path.append((depth, name))
    real = {cls.__name__: cls.__base__.__name__ for cls in CLASSES if cls is not VantageAPIError}
    assert drawn == {"VantageAPIError": None, **real}


async def test_the_servers_own_errors_have_every_fact(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        with pytest.raises(
            VantageAPIError,
            match=r"404 resource_not_found: .*'job-none'.* \(GET /v1/jobs/job-none, req_\w+, attempt 1 of 4\)",
        ):
            await client.jobs.get("job-none")
        with pytest.raises(VantageAPIError) as caught:
            await client.jobs.submit({"name": "n", "command": "true", "nonsense": 1})
        assert caught.value.details["field"] == "nonsense"
        assert caught.value.idempotency_key
    async with face.client(server.url, api_key="wrong-key-of-nobody") as client:
        with pytest.raises(exceptions.AuthenticationError, match="401 authentication_failed"):
            await client.jobs.list()
