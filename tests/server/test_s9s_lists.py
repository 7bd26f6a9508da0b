"""Which jobs S9S lists, and in which order."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mock_server import MockServer
from tests.server.s9s_calls import error


def test_the_newest_come_first(s9s: httpx.Client) -> None:
    times = [job["submit_time"] for job in s9s.get("/v1/jobs").json()["jobs"]]
    assert times == sorted(times, reverse=True)
    assert len(times) > 5


def test_jobs_of_all_families_are_there(server: MockServer, s9s: httpx.Client) -> None:
    jobs = {job["job_id"]: job for job in s9s.get("/v1/jobs").json()["jobs"]}
    assert jobs.keys() == server.cluster.jobs.keys()
    assert {"12345", "job_123", "job-12345", "job-abc123"} <= jobs.keys()
    assert {job["state"] for job in jobs.values()} >= {"RUNNING", "COMPLETED", "FAILED"}
    assert (jobs["job_123"]["user"], jobs["job_123"]["nodes"]) == (
        "alice",
        list(server.cluster.job("job_123").node_names),
    )


def test_filters_take_what_they_say(s9s: httpx.Client) -> None:
    everything = s9s.get("/v1/jobs").json()["jobs"]
    for name, value, field in (
        ("state", "running", "state"),
        ("user", "alice", "user"),
        ("partition", "gpu", "partition"),
    ):
        found = s9s.get("/v1/jobs", params={name: value}).json()
        wanted = value.upper() if name == "state" else value
        assert [job["job_id"] for job in found["jobs"]] == [job["job_id"] for job in everything if job[field] == wanted]
        assert 0 < found["total"] == len(found["jobs"])
    for name in ("user", "partition"):
        assert s9s.get("/v1/jobs", params={name: "nothing"}).json()["jobs"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"state": "SLEEPING"},
        {"limit": 0},
        {"limit": "ten"},
        {"offset": -1},
        {"sort": "colour"},
        {"order": "up"},
        {"status": "RUNNING"},
    ],
)
def test_what_makes_no_sense_is_refused(s9s: httpx.Client, query: dict[str, Any]) -> None:
    assert error(s9s.get("/v1/jobs", params=query)) == (400, "VALIDATION_ERROR", next(iter(query)))


@pytest.mark.parametrize("name", ["job_id", "job_name", "user", "state", "priority", "cpu_count", "start_time", "qos"])
def test_any_field_can_be_the_order_and_what_lacks_it_comes_last(s9s: httpx.Client, name: str) -> None:
    for order in ("asc", "desc"):
        jobs = s9s.get("/v1/jobs", params={"sort": name, "order": order}).json()["jobs"]
        values = [job[name] for job in jobs]
        present = [value for value in values if value is not None]
        assert values == present + [None] * (len(values) - len(present))
        if name == "job_id":
            present = [(len(value), value) for value in present]
        if name != "priority":  # of which held jobs show none
            assert present == sorted(present, reverse=order == "desc")


def test_pages_join_without_gap_or_overlap(s9s: httpx.Client) -> None:
    whole = s9s.get("/v1/jobs").json()
    ids, offset, more = list[str](), 0, True
    while more:
        page = s9s.get("/v1/jobs", params={"limit": 2, "offset": offset}).json()
        assert (page["limit"], page["offset"], page["total"]) == (2, offset, whole["total"])
        ids += [job["job_id"] for job in page["jobs"]]
        offset, more = offset + 2, page["has_more"]
    assert ids == [job["job_id"] for job in whole["jobs"]]
    beyond = s9s.get("/v1/jobs", params={"offset": 1000}).json()
    assert (beyond["jobs"], beyond["has_more"]) == ([], False)


def test_a_page_has_a_thousand_jobs_at_most(s9s: httpx.Client) -> None:
    assert s9s.get("/v1/jobs", params={"limit": 5000}).json()["limit"] == 1000
