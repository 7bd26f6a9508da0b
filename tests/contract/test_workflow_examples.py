"""The documented JSON examples of workflows, keys and node types: models keep them exactly, and the calls send them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.contract.test_examples import EXAMPLES
from tests.support.envelopes import RESULT_ID, example
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import (
    ApiKey,
    ApiKeyCreated,
    ApiKeyRevoked,
    Meta,
    NodeTypes,
    ResourceNotFoundError,
    ResultPage,
    Workflow,
    WorkflowSummary,
    WorkflowValidation,
)
from vantage_sdk.models.base import Model
from vantage_sdk.models.workflow_result import Execution

RESPONSES = {
    path.name.removeprefix("workflows.").removesuffix(".json") for path in EXAMPLES.glob("workflows.*.response.json")
}


def bare(name: str) -> Any:
    return {key: value for key, value in example(name).items() if key != "success"}


MODELS: list[tuple[str, type[Model], Any]] = [
    ("keys_create.response", ApiKeyCreated, bare("keys_create.response")),
    ("keys_create.response", ApiKey, bare("keys_create.response")["key"]),
    ("keys_list.response", ApiKey, bare("keys_list.response")["keys"][0]),
    ("keys_revoke.response", ApiKeyRevoked, bare("keys_revoke.response")),
    ("workflows_list.response", WorkflowSummary, example("workflows_list.response")["data"]["workflows"][0]),
    ("workflows_get.response", Workflow, example("workflows_get.response")["data"]),
    ("workflows_execute.response", Execution, example("workflows_execute.response")["data"]),
    ("workflows_validate.valid.response", WorkflowValidation, example("workflows_validate.valid.response")["data"]),
    ("workflows_validate.invalid.response", WorkflowValidation, example("workflows_validate.invalid.response")["data"]),
    ("results_get.response", ResultPage, example("results_get.response")["data"]),
    ("node_types_list.response", NodeTypes, example("node_types_list.response")["data"]),
    ("envelope.response", Meta, example("envelope.response")["meta"]),
]


@pytest.mark.parametrize(("name", "model", "sample"), MODELS)
def test_a_model_keeps_a_sample_exactly(
    name: str, model: type[Model], sample: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        read = model.from_dict(sample)
    assert json.dumps(read.to_dict()) == json.dumps(sample)
    assert read.extra == {}
    assert caplog.messages == []
    assert model.from_dict(json.loads(json.dumps(read.to_dict()))) == read


def test_no_sample_is_left_out() -> None:
    elsewhere = {"error.response", "workflows_update.graph.response"}
    assert {name for name, _, _ in MODELS} | elsewhere == RESPONSES


async def test_the_sample_error_is_the_exception_of_its_status(face: Face) -> None:
    with ScriptedServer([Json(404, example("error.response"))]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ResourceNotFoundError) as caught:
                await client.workflows.get(42)
    error = caught.value
    assert (error.status_code, error.code, error.message) == (404, "WORKFLOW_NOT_FOUND", "Workflow 42 not found")
    assert error.request_id == "abc123xyz"


async def test_the_sample_list_is_a_page(face: Face) -> None:
    sample = example("workflows_list.response")
    with ScriptedServer([Json(200, sample)]) as server:
        async with face.client(server.url) as client:
            page = await client.workflows.list(page=0, limit=50)
    assert server.requests[0].query == {"page": "0", "limit": "50"}
    assert [workflow.to_dict() for workflow in page] == sample["data"]["workflows"]
    assert (page.total, page.page, page.limit, page.has_next) == (1, 0, 50, False)
    assert page.meta.request_id == "req_abc123"


@pytest.mark.parametrize("name", ["", ".curl", ".js"])
async def test_the_sample_parameters_are_sent_byte_for_byte(face: Face, name: str) -> None:
    body = example(f"workflows_execute{name}.request")
    with ScriptedServer([Json(200, example("workflows_execute.response"))]) as server:
        async with face.client(server.url) as client:
            await client.workflows.execute(42, **body)
    assert server.requests[0].body == json.dumps(body, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", ["", ".curl"])
async def test_the_sample_keys_are_asked_for_byte_for_byte(face: Face, name: str) -> None:
    body = example(f"keys_create{name}.request")
    with ScriptedServer([Json(201, example("keys_create.response"))]) as server:
        async with face.client(server.url) as client:
            await client.keys.create(**body)
    assert server.requests[0].body == json.dumps(body, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", ["", ".curl"])
async def test_the_sample_workflows_are_sent_byte_for_byte(face: Face, name: str) -> None:
    body = example(f"workflows_create{name}.request")
    with ScriptedServer([Json(201, example("workflows_get.response"))]) as server:
        async with face.client(server.url) as client:
            await client.workflows.create(body)
    assert server.requests[0].body == json.dumps(body, separators=(",", ":")).encode()


async def test_the_sample_path_of_rows_is_asked_for_with_its_colon_encoded(face: Face) -> None:
    with ScriptedServer([Json(200, example("results_get.response"))]) as server:
        async with face.client(server.url) as client:
            await client.workflows.results(42, RESULT_ID, page=1, limit=50)
    assert server.requests[0].target == "/api/v1/workflows/42/data/dataRef%3Awf42_abc123?page=1&limit=50"
