"""What a server knows again that was stopped and started."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from mock_server import MockServer
from tests.server.receiver import Receiver
from tests.slurm.waiting import Gate, until
from vantage_sdk import Webhook

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from mock_server.cluster.slurm.settings import SlurmSettings
    from tests.support.slurm import Site

HEADERS = {"Authorization": "Bearer YOUR_API_KEY"}
ENDED = {"completed", "failed", "cancelled"}


def _ended(client: httpx.Client, path: str) -> dict[str, Any]:
    return until(lambda: client.get(path).json(), lambda job: job["status"] in ENDED)


def test_jobs_are_known_again(site: Site, tmp_path: Path) -> None:
    settings, gate = site.settings(), Gate(site.directory)
    late = f"{gate.script}; echo late"
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        with httpx.Client(base_url=server.url, headers=HEADERS) as client:
            submit = {"command": "echo one; exit 4", "environment": {"A": "b"}, "resources": {"memory": "2GB"}}
            done = client.post("/v1/jobs", json={"name": "done", **submit}).json()["id"]
            running = client.post("/v1/jobs", json={"name": "running", "command": late}).json()["id"]
            gone = client.post("/v1/jobs", json={"name": "gone", "command": "true"}).json()["id"]
            before = until(lambda: client.get(f"/v1/jobs/{done}").json(), lambda job: job["status"] in ENDED)
            assert client.delete(f"/v1/jobs/{gone}").status_code == 204
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        with httpx.Client(base_url=server.url, headers=HEADERS) as client:
            assert client.get(f"/v1/jobs/{done}").json() == before
            assert client.get(f"/v1/jobs/{done}/logs").json()["lines"] == ["one"]
            assert client.get(f"/v1/jobs/{gone}").status_code == 404
            gate.open()
            after = until(lambda: client.get(f"/v1/jobs/{running}").json(), lambda job: job["status"] in ENDED)
            assert (after["status"], after["command"]) == ("completed", late)
            assert client.get(f"/v1/jobs/{running}/logs").json()["lines"] == ["late"]
        news = [(event.kind, event.subject) for event in server.cluster.events()]
        assert ("job.completed", running) in news
        assert all(subject != done for _, subject in news)


STARTS = """
import json, sys
from mock_server import MockServer
from mock_server.cluster.slurm.settings import SlurmSettings
slurm = SlurmSettings(**json.loads(sys.argv[1]))
server = MockServer(slurm=slurm, world="empty", rate_limits=False, state=sys.argv[2])
print(server.start().url, flush=True)
sys.stdin.read()
"""


@contextmanager
def _killed(settings: SlurmSettings, state: Path) -> Generator[httpx.Client]:
    """Run a server in a process of its own, which is killed in the end."""
    names = ("url", "user", "operator", "directory", "slurm_conf", "bin_directory")
    values = json.dumps({name: getattr(settings, name) for name in names})
    command = (sys.executable, "-c", STARTS, values, str(state))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().strip(), headers=HEADERS) as client:
                yield client
        finally:
            process.kill()


def test_what_was_acknowledged_survives_a_kill(site: Site, tmp_path: Path) -> None:
    settings = site.settings()
    submit = {"command": "true", "environment": {"A": "b"}}
    with _killed(settings, tmp_path) as client:
        taken = [
            client.post("/v1/jobs", json={"name": f"kept {key}", **submit}, headers={"Idempotency-Key": f"kept-{key}"})
            for key in range(20)
        ]
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        with httpx.Client(base_url=server.url, headers=HEADERS) as client:
            for key, answer in enumerate(taken):
                job = answer.json()
                found = client.get(f"/v1/jobs/{job['id']}").json()
                assert (found["name"], found["command"], found["environment"]) == (job["name"], "true", {"A": "b"})
                again = {"name": f"kept {key}", **submit}
                repeated = client.post("/v1/jobs", json=again, headers={"Idempotency-Key": f"kept-{key}"})
                assert repeated.json()["id"] == job["id"]


def test_what_happens_while_the_server_is_away_is_told_by_webhooks(site: Site, tmp_path: Path) -> None:
    settings, gate, secret = site.settings(), Gate(site.directory), "whsec_c2VjcmV0"
    with Receiver() as receiver:
        with _killed(settings, tmp_path) as client:
            hook = {"url": receiver.url, "events": ["job.created", "job.completed"], "secret": secret}
            assert client.post("/v1/webhooks", json=hook).status_code == 201
            submit = {"name": "told", "command": gate.script}
            job = client.post("/v1/jobs", json=submit, headers={"Idempotency-Key": "told"}).json()["id"]
            until(lambda: client.get(f"/v1/jobs/{job}").json()["status"], lambda status: status == "running")
            receiver.wait()
        gate.open()
        number = job.partition("_")[2]
        until(
            lambda: site.command("squeue", "-h", "-o", "%i", "-t", "PD,R,CG").split(), lambda left: number not in left
        )
        with MockServer(slurm=settings, world="empty", state=tmp_path):
            receiver.wait()
        told = [Webhook(secret).unwrap(message.body, message.headers) for message in receiver.messages]
        assert [(event.type, event.data.id) for event in told] == [("job.created", job), ("job.completed", job)]
        assert len({message.id for message in receiver.messages}) == 2


def test_a_server_without_a_record_knows_what_slurm_knows(site: Site) -> None:
    job_ids: list[str] = []
    for _ in range(2):
        with (
            MockServer(slurm=site.settings(), world="empty") as server,
            httpx.Client(base_url=server.url, headers=HEADERS) as client,
        ):
            if not job_ids:
                job_ids.append(client.post("/v1/jobs", json={"name": "kept", "command": "echo kept"}).json()["id"])
            path = f"/v1/jobs/{job_ids[0]}"
            job = _ended(client, path)
            assert (job["name"], job["status"], job["user_id"]) == ("kept", "completed", "user_456")
            assert client.get(f"{path}/logs").json()["lines"] == ["kept"]


def test_a_reset_server_still_sees_the_cluster(site: Site) -> None:
    with (
        MockServer(slurm=site.settings(), world="empty") as server,
        httpx.Client(base_url=server.url, headers=HEADERS) as client,
    ):
        server.reset()
        job_id = client.post("/v1/jobs", json={"name": "reset", "command": "true"}).json()["id"]
        job = until(lambda: client.get(f"/v1/jobs/{job_id}").json(), lambda job: job["status"] in ENDED)
        assert job["status"] == "completed"
