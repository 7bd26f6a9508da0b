"""A job is one job, whichever API it came by and whichever API is asked: a thousand operations, four views, one story."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.support.effort import effort

OPERATIONS = effort(400, 10_000)
PHASES = {  # of every family's words
    "pending": {"pending", "PENDING"},
    "queued": {"queued", "PENDING"},
    "running": {"running", "RUNNING"},
    "completed": {"succeeded", "COMPLETED"},
    "failed": {"failed", "FAILED", "TIMEOUT", "NODE_FAIL"},
    "cancelled": {"cancelled", "CANCELLED"},
}
COMMANDS = ["true", "false", "sleep 30", "sleep 400", "exit 3", "echo one; sleep 5; echo two"]


@dataclass
class Views:
    """The same server through the eyes of each family."""

    server: MockServer
    platform: httpx.Client
    jobservice: httpx.Client
    s9s: httpx.Client
    draw: random.Random
    ids: list[str] = field(default_factory=list[str])
    done: Counter[str] = field(default_factory=Counter[str])

    def all_of(self, family: str) -> dict[str, dict[str, Any]]:
        """Return every job that a family lists, by id."""
        client = getattr(self, family)
        path, key, name, limit = {
            "platform": ("/v1/jobs", "jobs", "id", 100),
            "jobservice": ("/api/v1/jobs/", "items", "id", 100),
            "s9s": ("/s9s/v1/jobs", "jobs", "job_id", 1000),
        }[family]
        found: list[dict[str, Any]] = []
        while True:
            page = client.get(path, params={"limit": limit, "offset": len(found)}).json()
            found += page[key]
            if len(found) >= page["total"] or not page[key]:
                assert len(found) == page["total"]
                return {job[name]: job for job in found}

    def operate(self) -> None:
        """Do one of the things that callers do, through one of the families that can."""
        acts = [self.submit] * 5 + [self.cancel, self.change, self.hold, self.array, self.node, self.delete]
        act = self.draw.choice([*acts, self.advance, self.advance])
        act()
        self.done[act.__name__] += 1

    def submit(self) -> None:
        command, cpus = self.draw.choice(COMMANDS), self.draw.randint(1, 16)
        family = self.draw.choice(["platform", "jobservice", "s9s"])
        if family == "platform":
            body: dict[str, Any] = {"name": "n", "command": command, "resources": {"cpus": cpus, "memory": "1GB"}}
            made = self.platform.post("/v1/jobs", json=body)
        elif family == "jobservice":
            body = {
                "job_type": "batch",
                "image": "i",
                "config": {"command": command},
                "priority": self.draw.choice([10, 90]),
            }
            body["resources"] = {"cpu": str(cpus), "memory": "1Gi", "gpu": self.draw.randint(0, 2)}
            body["retry_policy"] = {"max_retries": self.draw.randint(0, 2), "backoff_multiplier": 2}
            made = self.jobservice.post("/api/v1/jobs/", json=body)
        else:
            body = {"script": command, "cpus_per_node": cpus, "nodes": self.draw.randint(1, 3), "memory": "1GB"}
            if self.ids and self.draw.random() < 0.3:
                body["dependencies"] = [
                    {"type": self.draw.choice(["after", "afterok", "afterany"]), "job_id": self.any()}
                ]
            if self.draw.random() < 0.5:
                body["time_limit"] = self.draw.choice(["0:01:00", "1:00:00"])
            made = self.s9s.post("/s9s/v1/jobs", json=body)
        assert made.status_code == 201, made.text
        told = made.json()
        self.ids.append(told.get("job_id") or told["id"])

    def array(self) -> None:
        made = self.s9s.post("/s9s/v1/jobs", json={"script": self.draw.choice(COMMANDS), "array": "0-3%2"})
        assert made.status_code == 201, made.text
        self.ids += [f"{made.json()['job_id']}_{task}" for task in range(4)]

    def any(self) -> str:
        return self.draw.choice(self.ids[-30:])

    def cancel(self) -> None:
        if not self.ids:
            return
        job = self.any()
        family = self.draw.choice(["platform", "jobservice", "s9s"])
        if family == "platform":
            answer = self.platform.patch(f"/v1/jobs/{job}", json={"status": "cancelled"})
        elif family == "jobservice":
            answer = self.jobservice.delete(f"/api/v1/jobs/{job}")
        else:
            answer = self.s9s.delete(f"/s9s/v1/jobs/{job}")
        assert answer.status_code in (200, 409), answer.text

    def change(self) -> None:
        if self.ids:
            job, priority = self.any(), self.draw.randint(0, 100)
            if self.draw.random() < 0.5:
                answer = self.platform.patch(f"/v1/jobs/{job}", json={"priority": priority})
            else:
                answer = self.s9s.put(f"/s9s/v1/jobs/{job}/priority", json={"priority": priority})
            assert answer.status_code in (200, 409), answer.text

    def hold(self) -> None:
        if self.ids:
            word = self.draw.choice(["hold", "release", "release"])
            answer = self.s9s.put(f"/s9s/v1/jobs/{self.any()}/{word}", json={} if word == "hold" else None)
            assert answer.status_code in (200, 409), answer.text

    def node(self) -> None:
        name = self.draw.choice(["node001", "node002", "gpu-node-01", "my-cluster-001"])
        word = self.draw.choice(["drain", "resume", "resume"])
        answer = self.s9s.put(f"/s9s/v1/nodes/{name}/{word}", json={"reason": "seen to"} if word == "drain" else None)
        assert answer.status_code in (200, 409), answer.text

    def delete(self) -> None:
        if self.ids and self.draw.random() < 0.3:
            job = self.any()
            assert self.platform.delete(f"/v1/jobs/{job}").status_code == 204
            self.ids.remove(job)

    def advance(self) -> None:
        self.server.advance(self.draw.choice([0.1, 1.0, 17.0, 300.0]))

    def agree(self) -> None:
        """Compare everything that more than one view tells."""
        platform, service, s9s = (self.all_of(family) for family in ("platform", "jobservice", "s9s"))
        assert set(platform) == set(service) == set(s9s)
        assert set(self.ids) <= set(platform)
        for job_id, job in platform.items():
            words = {service[job_id]["status"], s9s[job_id]["state"]}
            assert words <= PHASES[job["status"]], (job_id, job["status"], words)
            assert (
                seconds(job["created_at"])
                == seconds(service[job_id]["created_at"])
                == seconds(s9s[job_id]["submit_time"])
            )
            assert (
                seconds(job["started_at"])
                == seconds(service[job_id]["started_at"])
                == seconds(s9s[job_id]["start_time"])
            )
            assert seconds(job["completed_at"]) == seconds(s9s[job_id]["end_time"])
        self.agree_on_sums(platform, s9s)
        told = {job.id: job.state.value for job in self.server.cluster.jobs.values()}
        assert told == {job_id: job["status"] for job_id, job in platform.items()}

    def history(self) -> dict[str, str]:
        """Return what state each job that came or changed is in, by the events alone."""
        states: dict[str, str] = {}
        for event in self.server.cluster.events():
            if event.kind == "job.deleted":
                states.pop(event.subject, None)
            elif event.kind.startswith("job.") and "state" in event.data:
                states[event.subject] = event.data["state"]
        return states

    def agree_on_sums(self, platform: dict[str, dict[str, Any]], s9s: dict[str, dict[str, Any]]) -> None:
        states = Counter(job["status"] for job in platform.values())
        waiting = states["pending"] + states["queued"]
        queues = self.jobservice.get("/api/v1/queues/").json()
        assert (queues["total_pending"], queues["total_processing"]) == (waiting, states["running"])
        clusters = self.jobservice.get("/api/v1/clusters/").json()["clusters"]
        assert sum(cluster["running_jobs"] for cluster in clusters) == states["running"]
        users = self.s9s.get("/s9s/v1/users").json()["users"]
        assert sum(user["jobs_running"] for user in users) == states["running"]
        assert sum(user["jobs_pending"] for user in users) == waiting
        nodes = self.s9s.get("/s9s/v1/nodes").json()["nodes"]
        running = {job_id: job for job_id, job in s9s.items() if job["state"] == "RUNNING"}
        assert {job for node in nodes for job in node["jobs"]} == set(running)
        assert sum(node["cpu_allocated"] for node in nodes) == sum(job["cpu_count"] for job in running.values())


def seconds(text: str | None) -> str | None:
    """Return a time without what a family adds to the second."""
    return None if text is None else text[:19]


@pytest.mark.parametrize("seed", [1, 2])
def test_four_views_tell_one_story(seed: int, make_client: Callable[..., httpx.Client]) -> None:
    with MockServer(clock="manual", seed=seed, rate_limits=False, check_invariants=True) as server:
        keys = {"platform": "YOUR_API_KEY", "jobservice": "<token>", "s9s": "YOUR_TOKEN"}
        clients = {family: make_client(server, key=key, timeout=30) for family, key in keys.items()}
        seen = Views(server, **clients, draw=random.Random(seed))
        for number in range(OPERATIONS // 2):
            seen.operate()
            if number % 50 == 0:
                seen.agree()
        server.advance(86_400.0)
        seen.agree()
        states = {job_id: job["status"] for job_id, job in seen.all_of("platform").items()}
        history = seen.history()
        assert history.items() <= states.items()
        assert set(seen.ids) <= history.keys()
        assert len(seen.done) == 8
