"""The documented snippets and examples of workflows, against a fresh server each."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.contract.reference import HERE

SNIPPETS, EXAMPLES = HERE / "snippets", HERE / "examples"
BASE = "/api/v1/workflows"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))


INSTANCES = re.compile(r"https://your(?:-vantage)?-instance\.com")


def curl(name: str, server: MockServer) -> Any:
    """Run a shell snippet of workflows against the server, its host replaced, and return the body of the answer."""
    command, count = INSTANCES.subn(server.url, (SNIPPETS / name).read_text())
    assert count == 1
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert server.journal[-1].status in (200, 201)
    return json.loads(done.stdout)


def test_workflows_with_curl(server: MockServer) -> None:
    made = curl("002_keys_create.sh", server)
    assert made["full_key"].startswith(made["key"]["key_prefix"])
    assert [one["id"] for one in curl("002_workflows_list.sh", server)["data"]["workflows"]] == [42]
    assert curl("002_workflows_execute.sh", server)["data"]["status"] == "completed"
    page = curl("002_results_page.sh", server)["data"]
    assert (len(page["rows"]), page["page"], page["total_rows"]) == (50, 1, 248)
    assert {one["category"] for one in curl("002_node_types_list.sh", server)["data"]["node_types"]} == {"Slack"}
    workflow = curl("002_workflows_create.sh", server)["data"]
    assert [node["node_type"] for node in workflow["nodes"]][-1] == "slack/sendMessage"
    assert len(server.workflows.definitions) == 2


def test_workflows_with_another_http_library(server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed text has lost its indentation, so that a copy with it is run."""
    printed = (SNIPPETS / "002_requests_quickstart.py").read_text()
    copy = (SNIPPETS / "002_requests_quickstart.reindented.py").read_text()
    assert printed.split() == copy.split()
    text, count = INSTANCES.subn(server.url, copy)
    assert count == 1
    exec(compile(text, "002_requests_quickstart.py", "exec"), {"__name__": "__main__"})
    run = server.workflows.executions[-1]
    assert capsys.readouterr().out == f"Total rows: {run.total_rows}\n"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"workflows.{name}.json").read_text())


def shape(value: Any) -> Any:
    """Return the keys and the kinds of values; of a list, that of its first item."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "string"


def fits(shown: Any, sent: Any, where: str = "") -> None:
    """Check that everything that is ``shown`` is ``sent`` with the same kinds; what a row holds is up to the workflow."""
    if where.endswith((".rows", ".schema", ".config")):
        assert type(shown) is type(sent)
    elif isinstance(shown, dict):
        assert set(shown) <= set(sent), where
        for key in shown:
            fits(shown[key], sent[key], f"{where}.{key}")
    elif isinstance(shown, list) and shown and sent:
        fits(shown[0], sent[0], where)
    elif not isinstance(shown, list):
        assert shown == sent, where


ANSWERS: list[tuple[str, str, str, Any]] = [
    ("envelope.response", "GET", f"{BASE}/42", None),
    ("error.response", "GET", f"{BASE}/41", None),
    ("keys_create.response", "POST", "/api/v1/keys", {**example("keys_create.request"), "expires_at": "2100-01-01"}),
    ("keys_list.response", "GET", "/api/v1/keys", None),
    ("keys_revoke.response", "DELETE", "/api/v1/keys/12", None),
    ("node_types_list.response", "GET", "/api/v1/node-types?category=stripe&role=getter", None),
    ("results_get.response", "GET", f"{BASE}/42/data/dataRef:wf42_abc123", None),
    ("workflows_execute.response", "POST", f"{BASE}/42/execute", example("workflows_execute.request")),
    ("workflows_get.response", "GET", f"{BASE}/42", None),
    ("workflows_list.response", "GET", BASE, None),
    ("workflows_validate.valid.response", "POST", f"{BASE}/42/validate", None),
]


@pytest.mark.parametrize(("name", "verb", "path", "body"), ANSWERS, ids=[answer[0] for answer in ANSWERS])
def test_the_server_answers_in_the_shape_of_the_example(
    name: str, verb: str, path: str, body: Any, server: MockServer
) -> None:
    headers = {"Authorization": "Bearer vntg_your_key_here"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        client.get("/api/v1/workflows", headers={"Authorization": "Bearer vntg_abc123def456ghi789jkl012mno345"})
        sent = client.request(verb, path, **({} if body is None else {"json": body})).json()
    shown = shape(example(name))
    if name == "envelope.response":
        shown["data"] = {}
    if name == "keys_list.response":
        sent["keys"] = [key for key in sent["keys"] if key["id"] == 12]
    fits(shown, shape(sent))


def test_what_is_wrong_with_a_workflow_is_told_as_shown(server: MockServer) -> None:
    headers = {"Authorization": "Bearer vntg_your_key_here"}
    nodes = [{"node_type": "queryoperators/computedColumn", "node_role": "setter", "config": {"expression": "1"}}]
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        made = client.post(BASE, json={"title": "draft", "nodes": nodes}).json()["data"]
        sent = client.post(f"{BASE}/{made['id']}/validate").json()
    shown = example("workflows_validate.invalid.response")
    shown["data"]["errors"][0]["node_id"] = made["nodes"][0]["id"]
    assert all(error in sent["data"]["errors"] for error in shown["data"]["errors"])
    assert sent["data"]["valid"] is False


@pytest.mark.parametrize("name", ["workflows_create", "workflows_create.curl"])
def test_the_server_takes_the_documented_workflow(name: str, server: MockServer) -> None:
    headers = {"Authorization": "Bearer vntg_your_key_here"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        made = client.post(BASE, json=example(f"{name}.request"))
        assert made.status_code == 201
        graph = client.patch(f"{BASE}/{made.json()['data']['id']}", json=example("workflows_update.graph.request"))
        assert set(graph.json()["data"]["node_id_map"]) == set(
            example("workflows_update.graph.response")["node_id_map"]
        )
        metadata = client.patch(f"{BASE}/42", json=example("workflows_update.metadata.request"))
        assert metadata.json()["data"]["is_active"] is False
        changed = client.patch("/api/v1/keys/12", json=example("keys_update.request")).json()["key"]
        assert changed["name"] == example("keys_update.request")["name"]
