"""The documented snippets, run word for word against a fresh server each."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import vantage_sdk
from mock_server import MockServer
from mock_server.journal import Record
from tests.contract.reference import HERE, ROOT, reference
from vantage_sdk import Job, VantageClient, wait_for_completion
from vantage_sdk.testing import instant_retries

SNIPPETS = HERE / "snippets"
DIGEST = "62b1c60375a527e0fafb7f5d7b7f1141017440dc683b00c47d5cd20f32b4bd73"
ORIGIN = "https://api.vantage.omnivector.solutions"
SPEC = {"image": "ubuntu:22.04", "command": ["echo", "hello"], "resources": {"cpu": "2", "memory": "4Gi"}}
TEMPLATE: dict[str, Any] = {"name": "my-job", "spec": SPEC}
JOBS = ["job-67890", "job-12345", "job_123", "12347", "12346", "job-abc123", "job_122", "job_121", "12345", "12344"]
RUNNING = ["job-67890", "job-12345", "job_123", "12347", "job-abc123", "12345"]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: MockServer) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VANTAGE_BASE_URL", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def client(server: MockServer) -> Iterator[VantageClient]:
    with VantageClient(api_key="your-api-key", base_url=server.url) as client:
        yield client


def run(name: str, **names: Any) -> dict[str, Any]:
    """Run a snippet with the names it needs and return what it defined."""
    path = SNIPPETS / name
    space = {"__name__": "__main__", **names}
    exec(compile(path.read_text(), path, "exec"), space)
    return space


def asked(server: MockServer) -> list[tuple[str, str, dict[str, str]]]:
    """Return what the server was asked: method, path and query of every request."""
    return [(seen.method, seen.path, dict(parse_qsl(seen.query))) for seen in server.journal]


def header(record: Record, name: str) -> str | None:
    return dict(record.headers).get(name)


def test_client_init(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[VantageClient] = []

    class Noted(VantageClient):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            made.append(self)

    logger = logging.getLogger("vantage_sdk")
    monkeypatch.setattr(vantage_sdk, "VantageClient", Noted)
    monkeypatch.setattr(logger, "level", logger.level)
    monkeypatch.setattr(logger, "handlers", [*logger.handlers])

    client = run("001_client_init.py")["client"]

    basic, custom = (one.config for one in made)
    assert (basic.base_url, basic.organization) == (f"{ORIGIN}/v1", "your-org-id")
    assert (basic.timeout, basic.max_retries) == (30.0, 3)
    assert (custom.base_url, custom.organization) == (f"{server.url}/v1", None)
    assert (custom.timeout, custom.max_retries) == (60.0, 3)
    assert logger.level == logging.DEBUG
    assert client is made[1]
    with client:
        assert [job.id for job in client.jobs.list()] == JOBS
    assert [record.status for record in server.journal] == [200]


def test_jobs_list(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("001_jobs_list.py", client=client)
    assert asked(server) == [
        ("GET", "/v1/jobs", {}),
        ("GET", "/v1/jobs", {"status": "running", "cluster_id": "gpu-cluster", "limit": "50", "offset": "0"}),
        ("GET", "/v1/jobs", {"limit": "20"}),
    ]
    assert [job.id for job in found["jobs"]] == ["job_123", "job-abc123"]
    assert capsys.readouterr().out.splitlines() == [
        "Job: job-67890 - running",
        "Job: job-12345 - running",
        "Job: job_123 - running",
        "Job: 12347 - running",
        "Job: 12346 - pending",
        "Job: job-abc123 - running",
        "Job: job_122 - failed",
        "Job: job_121 - completed",
        "Job: 12345 - running",
        "Job: 12344 - completed",
    ]


def test_jobs_submit(client: VantageClient, server: MockServer, tmp_path: Path) -> None:
    (tmp_path / "job-template.yaml").write_text("name: from-file\nspec:\n  image: ubuntu:22.04\n  command: [date]\n")
    job = run("001_jobs_submit.py", client=client)["job"]
    assert asked(server) == [("POST", "/v1/jobs", {})] * 3
    assert [record.status for record in server.journal] == [201] * 3
    assert len({header(record, "idempotency-key") for record in server.journal}) == 3
    assert (job.cluster_id, job.priority, job.environment) == ("cluster_456", 10, {"MY_VAR": "value"})
    made = [found for found in client.jobs.list(limit=3) if found.id != job.id]
    from_file, plain = sorted(made, key=lambda found: found.name or "")
    assert (plain.name, plain.command, plain.to_dict()["spec"]) == ("my-job", "echo hello", TEMPLATE["spec"])
    assert (plain.priority or 0, plain.environment or {}) == (0, {})
    assert (from_file.name, from_file.command, from_file.spec.image) == ("from-file", "date", "ubuntu:22.04")


def test_jobs_get(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    job = run("001_jobs_get.py", client=client)["job"]
    assert asked(server) == [
        ("GET", "/v1/jobs/job-12345", {}),
        ("GET", "/v1/jobs/job-12345", {"include": "logs,outputs,metrics"}),
    ]
    assert (job.logs[0], job.outputs) == ("starting container", [])
    assert job.metrics.job_id == "job-12345"
    assert capsys.readouterr().out.splitlines() == [
        "Job job-12345: running",
        "Created: 2024-01-15 10:34:00+00:00",
        "Resources: cpu='2' memory='4GB' gpu=None",
    ]


def test_jobs_logs(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    logs = run("001_jobs_logs.py", client=client)["logs"]
    assert asked(server) == [
        ("GET", "/v1/jobs/job-12345/logs", {}),
        ("GET", "/v1/jobs/job-12345/logs", {"follow": "true"}),
        ("GET", "/v1/jobs/job-12345/logs", {"tail": "100", "since": "2024-01-01T00:00:00Z", "timestamps": "true"}),
    ]
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("starting container", "training finished", 6)
    assert [line.partition(" ")[2] for line in logs.lines] == lines
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z ", line) for line in logs.lines)


def test_jobs_cancel(client: VantageClient, server: MockServer) -> None:
    run("001_jobs_cancel.py", client=client)
    first, *pair, last = [(method, path) for method, path, _ in asked(server)]
    assert first == last == ("PATCH", "/v1/jobs/job-12345")
    assert sorted(pair) == [("PATCH", "/v1/jobs/job-12345"), ("PATCH", "/v1/jobs/job-67890")]
    assert [record.status for record in server.journal] == [200] * 4
    assert {client.jobs.get(job_id).status for job_id in ("job-12345", "job-67890")} == {"cancelled"}


def test_clusters_list(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    run("001_clusters_list.py", client=client)
    (_, path, everything), (_, same_path, narrowed) = asked(server)
    assert path == same_path == "/v1/clusters"
    assert not everything.keys() - {"limit"}
    assert narrowed.items() >= {"status": "running", "provider": "aws", "region": "us-west-2"}.items()
    assert capsys.readouterr().out == "Cluster: gpu-cluster (running)\n"


def test_clusters_get(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = run("001_clusters_get.py", client=client)["cluster"]
    assert asked(server) == [
        ("GET", "/v1/clusters/my-cluster", {}),
        ("GET", "/v1/clusters/my-cluster", {"include": "metrics,nodes"}),
    ]
    assert [len(cluster.nodes), cluster.metrics.cluster_id] == [4, "cluster_123"]
    assert capsys.readouterr().out.splitlines() == [
        "Cluster: my-cluster",
        "Nodes: 4",
        "Resources: cpus=64 memory='256GB' gpus=4",
    ]


def test_clusters_scale(client: VantageClient, server: MockServer) -> None:
    run("001_clusters_scale.py", client=client)
    assert asked(server) == [("POST", "/v1/clusters/my-cluster/scale", {})] * 2
    assert [record.status for record in server.journal] == [200] * 2
    policy = client.clusters.get("my-cluster").to_dict()["scaling"]
    assert policy.items() >= {"min_nodes": 2, "max_nodes": 20, "target_utilization": 0.8}.items()


def test_pagination(client: VantageClient, server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    template = {"name": "one-of-many", "command": "true"}
    with instant_retries():
        client.jobs.submit_many([template] * 120)
    before = len(server.journal)
    run("001_pagination.py", client=client)
    automatic, manual = [query for _, _, query in asked(server)[before:]][:3], asked(server)[before + 3 :]
    assert [query.get("offset") for query in automatic] == [None, "50", "100"]
    assert [query for _, _, query in manual] == [{"limit": "100"}, {"limit": "100", "offset": "100"}]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 260
    assert lines[:130] == lines[130:]
    assert len(set(lines)) == 130
    assert lines[120:130] == [f"Job: {job_id}" for job_id in JOBS]


@pytest.mark.parametrize(
    ("settings", "template", "faults", "said"),
    [
        ({}, TEMPLATE, "", ""),
        ({"api_key": "not-a-key"}, TEMPLATE, "", "Invalid API key\n"),
        ({}, TEMPLATE, "POST /v1/jobs: 429;retry-after=7", "Rate limited. Retry after 7 seconds\n"),
        ({}, {**TEMPLATE, "shape": "odd"}, "", r"Invalid request: \{.*'shape'.*\}\n"),
        ({}, TEMPLATE, "POST /v1/jobs: 503", r"API error 503: .+\n"),
    ],
    ids=["accepted", "401", "429", "400", "503"],
)
def test_error_handling(
    settings: dict[str, Any],
    template: dict[str, Any],
    faults: str,
    said: str,
    server: MockServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if faults:
        server.faults.set(faults)
    with VantageClient(**{"api_key": "your-api-key", "base_url": server.url, "max_retries": 0, **settings}) as client:
        space = run("001_error_handling.py", client=client, job_template=template)
    assert re.fullmatch(said, capsys.readouterr().out)
    assert len(server.journal) == 1
    assert isinstance(space.get("job"), Job) is (said == "")


def test_async_operations(server: MockServer) -> None:
    templates = [{**TEMPLATE, "name": f"job-{number}"} for number in range(3)]
    with instant_retries():
        space = run("001_async_operations.py", job_templates=templates, wait_for_completion=wait_for_completion)
    assert [(job.name, job.status) for job in space["results"]] == [(f"job-{n}", "completed") for n in range(3)]
    posts = [record for record in server.journal if record.method == "POST"]
    assert [(post.path, post.status) for post in posts] == [("/v1/jobs", 201)] * 3
    assert {record.path for record in server.journal} == {
        "/v1/jobs",
        *(f"/v1/jobs/{job.id}" for job in space["results"]),
    }
    gc.collect()  # an unclosed client would be reported here, and fail the test


def test_async_operations_leave_nothing_behind_when_the_interpreter_exits(server: MockServer) -> None:
    program = (
        "import runpy, sys\n"
        "from vantage_sdk import wait_for_completion\n"
        "from vantage_sdk.testing import instant_retries\n"
        "names = {'job_templates': [{'name': 'a', 'command': 'true'}] * 2, 'wait_for_completion': wait_for_completion}\n"
        "with instant_retries():\n"
        "    space = runpy.run_path(sys.argv[1], init_globals=names, run_name='__main__')\n"
        "print([job.status for job in space['results']])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, SNIPPETS / "001_async_operations.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "['completed', 'completed']\n", "")


def test_jobs_list_with_curl(server: MockServer) -> None:
    command = (SNIPPETS / "000_jobs_list.sh").read_text()
    assert command.count(ORIGIN) == 1
    done = subprocess.run(
        ["sh", "-c", command.replace(ORIGIN, server.url)], capture_output=True, text=True, check=True, timeout=60
    )
    assert asked(server) == [("GET", "/v1/jobs", {"limit": "10", "status": "running"})]
    assert server.journal[0].status == 200
    body = json.loads(done.stdout)
    assert [job["id"] for job in body["jobs"]] == RUNNING
    assert (body["total"], body["page"], body["per_page"]) == (6, 1, 10)


def test_nobody_has_tidied_up_a_snippet() -> None:
    copies = [path for path in sorted(SNIPPETS.iterdir()) if path.suffix in (".py", ".sh")]
    assert hashlib.sha256(b"".join(path.read_bytes() for path in copies)).hexdigest() == DIGEST


def test_the_copies_are_verbatim() -> None:
    written = reference("snippets")
    for path in SNIPPETS.glob("0*"):
        assert path.read_bytes() == (written / path.name).read_bytes(), path.name
