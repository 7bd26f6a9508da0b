"""Answers that are lost, a Slurm that is away, tokens that have expired: nothing is lost and nothing runs twice."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from tests.slurm.conftest import SETTLE
from tests.slurm.waiting import Gate, until
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from mock_server.cluster.slurm.settings import SlurmSettings
    from tests.support.slurm import Site


@contextmanager
def _serving(settings: SlurmSettings, state: Path | None = None) -> Generator[tuple[httpx.Client, httpx.Client]]:
    """Run a server and give clients of the platform and of S9S."""
    platform, s9s = {"Authorization": "Bearer YOUR_API_KEY"}, {"Authorization": "Bearer YOUR_TOKEN"}
    with (
        MockServer(slurm=settings, world="empty", state=state) as server,
        httpx.Client(base_url=server.url, headers=platform, timeout=30) as first,
        httpx.Client(base_url=server.s9s_url, headers=s9s, timeout=30) as second,
    ):
        yield first, second


def _named(site: Site, name: str) -> list[dict[str, Any]]:
    listed = json.loads(site.command("squeue", "-a", "-t", "all", "--json"))["jobs"]
    return [job for job in listed if job["name"] == name]


def _token(site: Site, lifespan: int) -> str:
    text = site.command("scontrol", "token", f"username={site.operator}", f"lifespan={lifespan}")
    return text.strip().removeprefix("SLURM_JWT=")


def _ended(platform: httpx.Client, job_id: str) -> dict[str, Any]:
    return until(
        lambda: platform.get(f"/v1/jobs/{job_id}").json(),
        lambda job: job["status"] not in {"pending", "queued", "running"},
    )


@pytest.mark.parametrize("family", ["platform", "s9s"])
def test_a_lost_answer_does_not_submit_twice(site: Site, family: str) -> None:
    name = f"lost-{family}"
    body = {"name": name, "command": "true"} if family == "platform" else {"name": name, "script": "true"}
    with Proxy(site.url) as proxy:
        with _serving(replace(site.settings(), url=proxy.url)) as clients:
            client = clients[family == "s9s"]
            headers = {"Idempotency-Key": f"key-{family}"}
            proxy.loses = 1
            first = client.post("/v1/jobs", json=body, headers=headers)
            assert first.status_code == 503
            assert "Retry-After" in first.headers
            if family == "s9s":
                assert first.json()["error"]["code"] == "SLURM_ERROR"
            second = client.post("/v1/jobs", json=body, headers=headers)
            assert second.status_code == 201, second.text
    assert len(_named(site, name)) == 1


def test_a_lost_answer_is_known_to_the_next_server(site: Site, tmp_path: Path) -> None:
    body, headers = {"name": "lost-and-found", "command": "echo found"}, {"Idempotency-Key": "lost-and-found"}
    with Proxy(site.url) as proxy:
        proxy.loses = 1
        with _serving(replace(site.settings(), url=proxy.url), state=tmp_path) as (platform, _):
            assert platform.post("/v1/jobs", json=body, headers=headers).status_code == 503
    with _serving(site.settings(), state=tmp_path) as (platform, _):
        answer = platform.post("/v1/jobs", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        # Slurm does not tell the command: it was written down before the answer was lost.
        assert answer.json()["command"] == "echo found"
        assert _ended(platform, answer.json()["id"])["status"] == "completed"
    assert len(_named(site, "lost-and-found")) == 1


def test_another_server_knows_the_key(site: Site) -> None:
    body, headers = {"name": "restarted", "command": "true"}, {"Idempotency-Key": "before-and-after"}
    ids: list[str] = []
    for _ in range(2):
        with _serving(site.settings()) as (platform, _):
            answer = platform.post("/v1/jobs", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["id"])
    assert ids[0] == ids[1]
    assert len(_named(site, "restarted")) == 1


def test_a_controller_that_is_away_is_waited_out(fragile: Site) -> None:
    meanwhile = [{"Idempotency-Key": f"meanwhile-{number}"} for number in range(2)]
    gate = Gate(fragile.directory)
    with _serving(fragile.settings(settle=SETTLE)) as (platform, s9s):
        before = platform.post("/v1/jobs", json={"name": "before", "command": gate.script}).json()["id"]
        until(lambda: platform.get(f"/v1/jobs/{before}").json()["status"], lambda status: status == "running")
        fragile.end_controller()
        try:
            refused = s9s.post("/v1/jobs", json={"script": "true", "name": "meanwhile-0"}, headers=meanwhile[0])
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SLURM_ERROR")
            body = {"name": "meanwhile-1", "command": "true"}
            assert platform.post("/v1/jobs", json=body, headers=meanwhile[1]).status_code == 503
            # What was known is still told; what was not may exist all the same.
            assert platform.get(f"/v1/jobs/{before}").status_code == 200
            assert platform.get("/v1/jobs/job_987654").status_code == 503
            gate.open()
        finally:
            fragile.up()
        headers = {"Idempotency-Key": "waited-out"}
        answer = until(
            lambda: platform.post("/v1/jobs", json={"name": "after", "command": "true"}, headers=headers),
            lambda answer: answer.status_code == 201,
        )
        after = answer.json()["id"]
        until(
            lambda: s9s.post("/v1/jobs", json={"script": "true", "name": "meanwhile-0"}, headers=meanwhile[0]),
            lambda answer: answer.status_code == 201,
        )
        until(
            lambda: platform.post("/v1/jobs", json=body, headers=meanwhile[1]),
            lambda answer: answer.status_code == 201,
        )
        for job_id in (before, after):
            done = _ended(platform, job_id)
            assert done["status"] == "completed"
    assert [len(_named(fragile, name)) for name in ("after", "meanwhile-0", "meanwhile-1")] == [1, 1, 1]


def test_an_expired_token_is_said_to_be_so(site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, tokens = tmp_path / "token", [_token(site, 6), _token(site, 600)]
    file.write_text(tokens[0])
    caplog.set_level(logging.DEBUG)
    said = f"Slurm refused the token of {site.operator}: it has expired or is none"
    # The operator is the one of whom the tokens are.
    with _serving(site.settings(token_file=str(file), user=site.operator)) as (platform, s9s):
        before = platform.post("/v1/jobs", json={"name": "before-it-expired", "command": "sleep 5; echo done"}).json()
        refused = until(
            lambda: s9s.post("/v1/jobs", json={"script": "true", "name": "in-vain"}),
            lambda answer: answer.status_code != 201,
        )
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert (refused.json()["error"]["code"], refused.json()["error"]["message"]) == ("SLURM_ERROR", said)
        taken_in = len(_named(site, "in-vain"))
        refused = platform.post("/v1/jobs", json={"name": "in-vain", "command": "true"})
        assert (refused.status_code, refused.json()["error"]) == (503, "service_unavailable")
        assert refused.json()["message"] == said
        assert platform.get(f"/v1/jobs/{before['id']}").status_code == 200
        file.write_text(f"SLURM_JWT={tokens[1]}\n")
        answer = platform.post("/v1/jobs", json={"name": "renewed", "command": "true"})
        assert answer.status_code == 201, answer.text
        assert _ended(platform, before["id"])["status"] == "completed"
        assert platform.get(f"/v1/jobs/{before['id']}/logs").json()["lines"] == ["done"]
    assert (len(_named(site, "in-vain")), len(_named(site, "renewed"))) == (taken_in, 1)
    texts = caplog.text + refused.text
    assert [token for token in tokens if token in texts or token.split(".")[2] in texts] == []


def test_a_token_of_nobody_gets_nothing(site: Site) -> None:
    token = _token(site, 600)
    with _serving(site.settings(token=token[:-8] + "AAAAAAAA")) as (_, s9s):
        answer = s9s.post("/v1/jobs", json={"script": "true"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SLURM_ERROR")
        assert "does not accept the token" in answer.text
        assert token[:-8] not in answer.text


def test_slurmrestd_that_is_not_there_is_no_reason_not_to_start(site: Site) -> None:
    nowhere = type(site.settings())("http://127.0.0.1:9", token="none", directory=str(site.directory))
    with _serving(nowhere) as (platform, s9s):
        answer = platform.post("/v1/jobs", json={"name": "x", "command": "true"})
        assert (answer.status_code, answer.json()["error"]) == (503, "service_unavailable")
        for refused in (s9s.post("/v1/jobs", json={"script": "true"}), s9s.get("/v1/partitions")):
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SLURM_ERROR")
