"""Many jobs at once, each with an outcome of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.cluster.backend import DeniedError, UnavailableError
from mock_server.s9s import job_actions
from mock_server.s9s.bulk import AT_ONCE
from tests.server.s9s_calls import error, job, submit


def bulk(client: httpx.Client, action: str, job_ids: list[Any], **options: Any) -> dict[str, Any]:
    answer = client.post("/v1/jobs/bulk", json={"action": action, "job_ids": job_ids, "options": options})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def outcomes(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(result["job_id"], result["status"], result["message"]) for result in body["results"]]


def test_each_job_has_its_outcome_in_the_order_of_the_request(s9s: httpx.Client) -> None:
    cancelled = submit(s9s)
    s9s.delete(f"/v1/jobs/{cancelled}")
    body = bulk(s9s, "cancel", ["12345", "12344", "99999", "job_122", cancelled, 12345], force=True, reason="Emergency")
    assert outcomes(body) == [
        ("12345", "success", "Job cancelled"),
        ("12344", "error", "Job already completed"),
        ("99999", "error", "Invalid job id specified"),
        ("job_122", "error", "Job already failed"),
        (cancelled, "success", "Job already cancelled"),
        ("12345", "success", "Job already cancelled"),
    ]
    assert body["summary"] == {"total": 6, "successful": 3, "failed": 3}
    assert body["batch_id"].startswith("batch_")
    assert job(s9s, "12345")["reason"] == "Emergency"


def test_a_cluster_that_takes_its_time_is_asked_for_several_jobs_together(
    s9s: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting, most, cancel = 0, 0, job_actions.cancel

    async def slow(*arguments: Any, **options: Any) -> bool:
        nonlocal acting, most
        acting += 1
        most = max(most, acting)
        await asyncio.sleep(0)
        done = await cancel(*arguments, **options)
        acting -= 1
        return done

    monkeypatch.setattr(job_actions, "cancel", slow)
    jobs = [submit(s9s) for _ in range(AT_ONCE + 2)]
    found = outcomes(bulk(s9s, "cancel", [*jobs, jobs[-1], jobs[-1]]))
    assert found[: len(jobs)] == [(job_id, "success", "Job cancelled") for job_id in jobs]
    assert found[len(jobs) :] == [(jobs[-1], "success", "Job already cancelled")] * 2
    assert most == AT_ONCE


def test_what_keeps_a_cluster_from_answering_is_the_answer(
    server: MockServer, s9s: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = submit(s9s), submit(s9s)
    cancel = job_actions.cancel

    async def away(cluster: Any, jobs: Any, **options: Any) -> bool:
        if jobs[0].id == first:
            raise UnavailableError("away")
        return await cancel(cluster, jobs, **options)

    monkeypatch.setattr(job_actions, "cancel", away)
    with httpx.Client(
        base_url=server.s9s_url, headers=dict(s9s.headers)
    ) as client:  # of the simulation's no 503 is promised
        answer = client.post("/v1/jobs/bulk", json={"action": "cancel", "job_ids": [first, second]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SLURM_ERROR")
    assert server.cluster.job(second).state.value == "cancelled"


def test_a_job_of_somebody_else_hides_nothing_of_the_others(
    server: MockServer, s9s: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other, last = submit(s9s), submit(s9s), submit(s9s)
    cancel = job_actions.cancel

    async def guarded(cluster: Any, jobs: Any, **options: Any) -> bool:
        if jobs[0].id == other:
            raise DeniedError("Slurm: Access/permission denied")
        return await cancel(cluster, jobs, **options)

    monkeypatch.setattr(job_actions, "cancel", guarded)
    assert outcomes(bulk(s9s, "cancel", [own, other, last])) == [
        (own, "success", "Job cancelled"),
        (other, "error", "Slurm: Access/permission denied"),
        (last, "success", "Job cancelled"),
    ]
    assert server.cluster.job(other).state.value != "cancelled"


def test_the_other_actions(server: MockServer, s9s: httpx.Client) -> None:
    first, second = submit(s9s, hold=True), submit(s9s, hold=True)
    assert outcomes(bulk(s9s, "priority", [first], priority=9)) == [(first, "success", "Job priority updated")]
    assert outcomes(bulk(s9s, "release", [first, second])) == [
        (first, "success", "Job released"),
        (second, "success", "Job released"),
    ]
    assert job(s9s, first)["priority"] == 9
    assert outcomes(bulk(s9s, "hold", [second, "12344"], reason="why")) == [
        (second, "success", "Job held"),
        ("12344", "error", "Job already completed"),
    ]
    assert server.cluster.job(second).hold_reason == "why"


def test_batches_have_names_of_their_own(s9s: httpx.Client) -> None:
    names = {bulk(s9s, "hold", ["12345"])["batch_id"] for _ in range(3)}
    assert len(names) == 3


def test_a_repeated_request_is_done_once(s9s: httpx.Client) -> None:
    body = {"action": "cancel", "job_ids": ["12345"]}
    first, second = (s9s.post("/v1/jobs/bulk", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json() == second.json()
    assert outcomes(second.json()) == [("12345", "success", "Job cancelled")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "explode", "job_ids": ["1"]}, "action"),
        ({"action": "cancel", "job_ids": []}, "job_ids"),
        ({"action": "cancel"}, "job_ids"),
        ({"job_ids": ["1"]}, "action"),
        ({"action": "cancel", "job_ids": ["1"], "options": {"colour": 1}}, "options.colour"),
        ({"action": "cancel", "job_ids": ["1"], "options": {"signal": "HUP"}}, "options.signal"),
        ({"action": "priority", "job_ids": ["1"]}, ""),
        ({"action": "cancel", "job_ids": [""]}, "job_ids.0"),
        ({"action": "cancel", "job_ids": [True]}, "job_ids.0"),
    ],
)
def test_what_makes_no_sense_changes_nothing(s9s: httpx.Client, body: dict[str, Any], field: str) -> None:
    assert error(s9s.post("/v1/jobs/bulk", json=body)) == (400, "VALIDATION_ERROR", field)
