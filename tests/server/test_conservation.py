"""Whatever happens, the books agree: jobs, clusters, usage, invoices and series tell of the same hours.

The series of a job tells what it used of what it had, which is what its meter reads.

What is expected is worked out from the events alone.  Hours agree to their rounding: a millionth for each figure that is
added, and a billionth of a percent of the capacity for each point of a series.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, pairwise
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings, strategies as st

from mock_server import MockServer
from mock_server.cluster.backend import NotFoundError, StateError
from mock_server.cluster.job import JobRequest, Resources
from mock_server.cluster.node import ScalePolicy
from tests.server.conftest import TLS

DAY = 86_400.0
NODE = Resources(cpus=16, memory=64 * 10**9, gpus=2)
AMOUNTS = ("cpu_hours", "gpu_hours", "memory_gb_hours")
EVER = "created_after=2000-01-01"
CLOSED = {"job.requeued", "job.completed", "job.failed", "job.cancelled"}

LONG = st.integers(0, 600) | st.integers(0, 40 * 86400)
JOBS = st.tuples(st.integers(1, 16), st.integers(0, 64), st.integers(0, 2), st.integers(1, 2), LONG)
PAUSES = st.tuples(st.just("advance"), LONG | st.floats(0, 5000))
ACTS = st.tuples(st.sampled_from(["cancel", "delete", "fail", "fail", "restore"]), st.integers(1, 4))
CHAPTERS = st.tuples(
    st.tuples(st.just("submit"), JOBS), PAUSES, ACTS | st.tuples(st.just("scale"), st.integers(0, 5)), PAUSES
)
# Over the ends of two months and a failed node, with a smaller cluster later.
LONG_STORY = [
    (("submit", (4, 8, 1, 2, 30 * 86400)), ("advance", 86400.5), ("fail", 1), ("advance", 20 * 86400)),
    (("submit", (16, 64, 0, 1, 600)), ("advance", 10), ("delete", 1), ("advance", 3600.25)),
    (("submit", (2, 1, 2, 1, 9 * 86400)), ("advance", 60), ("scale", 2), ("advance", 30 * 86400)),
]


@dataclass
class Story:
    """What a server went through."""

    server: MockServer
    requests: dict[str, JobRequest] = field(default_factory=dict)

    def submit(self, asked: tuple[int, int, int, int, int]) -> None:
        cpus, gigabytes, gpus, nodes, seconds = asked
        resources = Resources(cpus, gigabytes * 10**9, gpus)
        request = JobRequest("n", f"sleep {seconds}", "user_456", resources=resources, nodes=nodes)
        self.requests[self.server.cluster.submit(request).id] = request

    def advance(self, seconds: float) -> None:
        self.server.advance(seconds)

    def cancel(self, number: int) -> None:
        if (job_id := self._job(number)) is not None:
            self.server.cluster.cancel(job_id)

    def delete(self, number: int) -> None:
        if (job_id := self._job(number)) is not None:
            self.server._call(lambda: _step(self.server.app.state.cluster.delete(job_id)))

    def fail(self, number: int) -> None:
        self.server.cluster.fail_node("default", f"default-{number:03d}")

    def restore(self, number: int) -> None:
        self.server.cluster.restore_node("default", f"default-{number:03d}")

    def scale(self, nodes: int) -> None:
        self.server.cluster.scale("default", ScalePolicy(nodes=nodes))

    def _job(self, number: int) -> str | None:
        jobs = list(self.server.cluster.jobs)
        return jobs[number % len(jobs)] if jobs else None

    def runs(self) -> dict[str, list[tuple[float, float]]]:
        """Return from when to when each job had its nodes, as the events tell."""
        runs, begun = defaultdict[str, list[tuple[float, float]]](list), dict[str, float]()
        for event in self.server.cluster.events():
            if event.kind == "job.started":
                begun[event.subject] = event.at
            elif event.kind in CLOSED and event.subject in begun:
                runs[event.subject].append((begun.pop(event.subject), event.at))
        for job_id, at in begun.items():
            runs[job_id].append((at, self.server.now()))
        return runs

    def capacity(self, start: float, end: float) -> float:
        """Return the node-seconds that were there in a period, as the events tell."""
        origin = self.server.cluster.clusters["cluster_default"].created_at
        up, seconds, last = {f"default-{number:03d}" for number in range(1, 5)}, 0.0, max(start, origin)
        for event in self.server.cluster.events():
            if not event.kind.startswith("node."):
                continue
            at = min(max(event.at, start), end)
            seconds, last = seconds + len(up) * (at - last), at
            if event.kind == "node.up":
                up.add(event.subject)
            else:
                up.discard(event.subject)
        return seconds + len(up) * (end - last)


def _step(coroutine: Any) -> None:
    with pytest.raises(StopIteration):
        coroutine.send(None)


def hours(request: JobRequest, seconds: float) -> dict[str, float]:
    asked, node_hours = request.resources, request.nodes * seconds / 3600
    amounts = (asked.cpus, asked.gpus, asked.memory / 1e9)
    return {name: amount * node_hours for name, amount in zip(AMOUNTS, amounts, strict=True)}


def added(parts: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(part[name] for part in parts) for name in AMOUNTS}


def billed(items: list[dict[str, Any]]) -> dict[str, float]:
    return {item["resource"]: item["quantity"] for item in items}


def spans(points: list[dict[str, Any]]) -> list[tuple[float, float, dict[str, Any]]]:
    times = [datetime.fromisoformat(point["timestamp"]).timestamp() for point in points]
    return [(start, end, point) for (start, end), point in zip(pairwise(times), points[1:], strict=False)]


def job_series(client: httpx.Client, job_id: str, request: JobRequest) -> dict[str, float]:
    """Add up the series of one job."""
    points = client.get(f"/v1/monitoring/jobs/{job_id}/metrics?step=3600").json()["metrics"]
    asked = request.resources
    amounts = {"cpu": asked.cpus, "gpu": asked.gpus, "memory": asked.memory / 1e9}
    return _integral(points, lambda _, __: request.nodes, amounts)


def cluster_series(client: httpx.Client, story: Story) -> dict[str, float]:
    """Add up the series of the cluster."""
    points = client.get(f"/v1/monitoring/clusters/default/metrics?{EVER}&step=3600").json()["metrics"]
    amounts = {"cpu": NODE.cpus, "gpu": NODE.gpus, "memory": NODE.memory / 1e9}
    return _integral(points, lambda start, end: story.capacity(start, end) / (end - start), amounts)


def _integral(points: list[dict[str, Any]], nodes: Any, amounts: dict[str, float]) -> dict[str, float]:
    totals = dict.fromkeys(AMOUNTS, 0.0)
    for start, end, point in spans(points):
        share = nodes(start, end) * (end - start) / 3600 / 100
        for name, key in zip(AMOUNTS, ("cpu", "gpu", "memory"), strict=True):
            totals[name] += (point[f"{key}_percent"] or 0.0) * share * amounts[key]
    return totals


@settings(max_examples=30, deadline=None)
@example(LONG_STORY)
@given(st.lists(CHAPTERS, min_size=1, max_size=6))
def test_the_books_agree(chapters: list[Any]) -> None:
    with MockServer(clock="manual", world="empty", check_invariants=True, rate_limits=False) as server:
        story = Story(server)
        for action, value in chain.from_iterable(chapters):
            with suppress(NotFoundError, StateError):  # no such node, or a job that has ended
                getattr(story, action)(value)
        compare(story, httpx.Client(base_url=server.url, headers={"Authorization": "Bearer your-key"}, verify=TLS))


def compare(story: Story, client: httpx.Client) -> None:
    runs, requests = story.runs(), story.requests
    expected = {job: hours(requests[job], sum(end - start for start, end in spans)) for job, spans in runs.items()}
    total = added(list(expected.values()))
    with client:
        usage = client.get(f"/v1/clusters/default/usage?{EVER}").json()
        billing = client.get(f"/v1/billing/usage?{EVER}").json()
        listed = client.get("/v1/billing/invoices?limit=100").json()["invoices"]
        invoices = [client.get(f"/v1/billing/invoices/{invoice['id']}").json() for invoice in listed]
        series = {job: job_series(client, job, requests[job]) for job in runs if job in story.server.cluster.jobs}
        of_cluster = cluster_series(client, story)
    for name in AMOUNTS:
        assert usage[name] == pytest.approx(total[name], abs=1e-6, rel=1e-9)
        months = len(invoices) + 1
        assert billed(billing["items"])[name] == pytest.approx(total[name], abs=1e-6 * months, rel=1e-9)
        assert of_cluster[name] == pytest.approx(total[name], abs=1e-5, rel=1e-8)
        # Not only to rounding: a month is counted in one way wherever it is shown.
        of_invoices = sum(round(billed(one["line_items"])[name] * 1e6) for one in invoices)
        assert round(billed(billing["items"])[name] * 1e6) == of_invoices
    for job_id, integral in series.items():
        job = story.server.cluster.jobs[job_id]
        used = job.consumption
        assert integral["cpu_hours"] * 3600 == pytest.approx(used.cpu_seconds, abs=1e-2, rel=1e-8)
        assert integral["gpu_hours"] * 3600 == pytest.approx(used.gpu_seconds, abs=1e-2, rel=1e-8)
        for amount in AMOUNTS:
            assert integral[amount] <= expected[job_id][amount] + 1e-5
    cents = sum(round(invoice["amount"] * 100) for invoice in invoices)
    assert round(billing["total_cost"] * 100) == cents
