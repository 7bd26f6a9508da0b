"""Jobs of S9S: lists and their pages, what is sent to change them, their output, many at once."""

from __future__ import annotations

from collections.abc import Callable
from signal import Signals
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.s9s_answers import fault, job, one
from tests.support.scripted import Json, Reply, Request, ScriptedServer, Step, Unanswered
from vantage_sdk import BulkResult, ConflictError, Phase, S9SJob, ValidationError, VantageAPIError
from vantage_sdk.testing import instant_retries


class Queue:
    """A server with so many jobs, newest first, that pages as S9S says; ``flag`` is whether it tells ``has_more``."""

    def __init__(self, count: int, *, flag: bool = True, total: bool = True, most: int = 1000) -> None:
        self.jobs = [job(str(number)) for number in range(count, 0, -1)]
        self.flag, self.total, self.most = flag, total, most

    def __call__(self, request: Request, connection: int) -> Step:
        offset = int(request.query.get("offset", 0))
        limit = min(int(request.query.get("limit", 100)), self.most)
        end = offset + limit
        body: dict[str, Any] = {"jobs": self.jobs[offset:end], "limit": limit, "offset": offset}
        body |= {"total": len(self.jobs)} if self.total else {}
        return Json(200, body | ({"has_more": end < len(self.jobs)} if self.flag else {}))


# Lists


@pytest.mark.parametrize(("flag", "total"), [(True, True), (True, False), (False, True)])
async def test_every_job_is_found_however_the_end_is_told(face: Face, flag: bool, total: bool) -> None:
    with ScriptedServer(Queue(25, flag=flag, total=total)) as server:
        async with face.s9s(server.url) as client:
            pages = [len(page) async for page in client.jobs.list_paginated(page_size=10)]
            found = [job.job_id async for job in client.jobs.list_all(page_size=10)]
    assert pages == [10, 10, 5]
    assert found == [str(number) for number in range(25, 0, -1)]


async def test_a_page_size_that_was_cut_loses_no_job(face: Face) -> None:
    with ScriptedServer(Queue(25, most=7)) as server:
        async with face.s9s(server.url) as client:
            page = await client.jobs.list(limit=1000)
            found = [job.job_id async for job in client.jobs.list_all(page_size=1000)]
    assert (page.limit, len(page), page.has_next) == (7, 7, True)
    assert len({*found}) == 25


async def test_the_default_page_has_100_jobs(face: Face) -> None:
    with ScriptedServer(Queue(101)) as server:
        async with face.s9s(server.url) as client:
            page = await client.jobs.list()
            rest = await client.jobs.list(page_token=page.next_page_token)
    assert (len(page), len(rest), rest.offset, rest.has_next) == (100, 1, 100, False)
    assert server.requests[0].query == {}


async def test_filters_travel_with_every_page(face: Face) -> None:
    with ScriptedServer(Queue(3)) as server:
        async with face.s9s(server.url) as client:
            given = {"state": "RUNNING", "user": "alice", "partition": "gpu", "sort": "priority", "order": "asc"}
            assert len([job async for job in client.jobs.list_all(page_size=2, **given)]) == 3
    assert [{**request.query} for request in server.requests] == [
        {**given, "limit": "2"},
        {**given, "limit": "2", "offset": "2"},
    ]


async def test_a_list_that_leads_in_a_circle_is_an_error(face: Face) -> None:
    body = {"jobs": [job("1")], "limit": 1, "offset": 0, "has_more": True}
    with ScriptedServer(lambda request, connection: Json(200, body)) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                _ = [job async for job in client.jobs.list_all(page_size=1)]
    assert caught.value.code == "pagination_cycle"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"limit": 0}, "limit is a number from 1"),
        ({"offset": -1}, "offset is a number from 0"),
        ({"order": "up"}, "order is one of asc, desc"),
        ({"page_token": "x"}, "page_token is not valid"),
        ({"page_token": "v1.WzUsNSwieCJd", "offset": 5}, "page_token says where to go on"),
    ],
)
async def test_arguments_that_make_no_sense_are_refused(face: Face, given: dict[str, Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=problem):
            await client.jobs.list(**given)


# One job


@pytest.mark.parametrize(
    ("call", "sent", "body"),
    [
        (lambda jobs: jobs.get(12345), "GET /v1/jobs/12345", None),
        (lambda jobs: jobs.get("a/b %"), "GET /v1/jobs/a%2Fb%20%25", None),
        (lambda jobs: jobs.cancel(7), "DELETE /v1/jobs/7", None),
        (lambda jobs: jobs.cancel("7", force=True), "DELETE /v1/jobs/7?force=true", None),
        (
            lambda jobs: jobs.cancel("7", signal="SIGKILL", force=False),
            "DELETE /v1/jobs/7?signal=SIGKILL&force=false",
            None,
        ),
        (lambda jobs: jobs.cancel("7", signal=Signals.SIGINT), "DELETE /v1/jobs/7?signal=SIGINT", None),
        (lambda jobs: jobs.hold(7), "PUT /v1/jobs/7/hold", None),
        (lambda jobs: jobs.hold(7, reason="r"), "PUT /v1/jobs/7/hold", {"reason": "r"}),
        (lambda jobs: jobs.release(7), "PUT /v1/jobs/7/release", None),
        (lambda jobs: jobs.set_priority(7, 0), "PUT /v1/jobs/7/priority", {"priority": 0}),
    ],
)
async def test_a_call_sends_what_was_given_and_nothing_else(
    face: Face, call: Callable[[Any], Any], sent: str, body: Any
) -> None:
    with ScriptedServer([one("7")]) as server:
        async with face.s9s(server.url) as client:
            assert (await call(client.jobs)).job_id == "7"
    [request] = server.requests
    assert f"{request.method} {request.target}" == sent
    assert (request.json() if request.body else None) == body
    assert request.header("authorization") == "Bearer your_token_here"
    assert request.header("content-type") == (None if body is None else "application/json")


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda jobs: jobs.get(""), "job_id cannot be ''"),
        (lambda jobs: jobs.get(".."), "job_id cannot be '..'"),
        (lambda jobs: jobs.get(-1), "job_id is a number from 0"),
        (lambda jobs: jobs.set_priority(1, -1), "priority is a number from 0"),
        (lambda jobs: jobs.hold(1, reason=""), "reason cannot be empty"),
        (lambda jobs: jobs.cancel(1, signal=""), "signal cannot be empty"),
        (lambda jobs: jobs.output(1, lines=0), "lines is a number from 1"),
        (lambda jobs: jobs.bulk("delete", [1]), "action is one of cancel, hold, release, priority"),
    ],
)
async def test_a_wrong_value_is_refused(face: Face, call: Callable[[Any], Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=problem):
            await call(client.jobs)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda jobs: jobs.get(1.5), "job_id takes a number or text, not float"),
        (lambda jobs: jobs.get(True), "job_id takes a number or text, not bool"),
        (lambda jobs: jobs.cancel(1, force="false"), "force takes True or False, not str"),
        (lambda jobs: jobs.cancel(1, signal=9), "signal takes text, not int"),
        (lambda jobs: jobs.set_priority(1, "2"), "priority takes a whole number, not str"),
        (lambda jobs: jobs.cancel_batch("12"), "job_ids takes several ids, not one text"),
        (lambda jobs: jobs.bulk("cancel", [None]), "job_id takes a number or text, not NoneType"),
    ],
)
async def test_a_wrong_kind_is_refused(face: Face, call: Callable[[Any], Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(TypeError, match=problem):
            await call(client.jobs)


async def test_a_cancellation_that_got_no_answer_is_repeated(face: Face) -> None:
    with ScriptedServer([Unanswered(), one("7", "CANCELLED", message="m")]) as server, instant_retries():
        async with face.s9s(server.url) as client:
            assert (await client.jobs.cancel(7)).phase is Phase.CANCELLED
    assert [request.method for request in server.requests] == ["DELETE", "DELETE"]


async def test_a_job_that_has_ended_cannot_be_held(face: Face) -> None:
    with ScriptedServer([fault(409, "RESOURCE_CONFLICT")]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ConflictError):
                await client.jobs.hold(7)


@pytest.mark.parametrize(
    ("state", "phase", "end", "is_terminal"),
    [
        ("PENDING", Phase.PENDING, None, False),
        ("RUNNING", Phase.RUNNING, "2030-01-01T00:00:00Z", False),
        ("COMPLETED", Phase.SUCCEEDED, None, True),
        ("FAILED", Phase.FAILED, None, True),
        ("CANCELLED", Phase.CANCELLED, None, True),
        ("cancelled", Phase.CANCELLED, None, True),
        ("TIMEOUT", Phase.UNKNOWN, "2023-12-15T10:30:00Z", True),
        ("SUSPENDED", Phase.UNKNOWN, None, False),
    ],
)
def test_the_phase_is_in_the_words_of_all_families(state: str, phase: Phase, end: Any, is_terminal: bool) -> None:
    read = S9SJob.from_dict(job("1", state, end_time=end))
    assert (read.state, read.phase, read.is_terminal) == (state, phase, is_terminal)
    assert read.succeeded == (phase is Phase.SUCCEEDED)


# Output


@pytest.mark.parametrize("stream", ["output", "error"])
async def test_what_a_job_writes_is_text_with_lines(face: Face, stream: str) -> None:
    body = {"job_id": "7", "stream": stream, "lines": ["b", "c"], "total_lines": 3}
    with ScriptedServer([Json(200, body), Reply(200, b"a\nb\n", {"Content-Type": "text/plain"})]) as server:
        async with face.s9s(server.url) as client:
            some = await getattr(client.jobs, stream)(7, lines=2)
            all_of_it = await getattr(client.jobs, stream)("7")
    assert (some, some.lines, some.total_lines) == ("b\nc", ["b", "c"], 3)
    assert (all_of_it, all_of_it.lines, all_of_it.total_lines) == ("a\nb", ["a", "b"], 2)
    assert [request.target for request in server.requests] == [f"/v1/jobs/7/{stream}?lines=2", f"/v1/jobs/7/{stream}"]


# Many at once


async def test_many_are_one_call_with_an_outcome_each(face: Face) -> None:
    results = [
        {"job_id": "1", "status": "success", "message": "Job cancelled"},
        {"job_id": "2", "status": "error", "message": "Job already completed"},
        {"job_id": "3", "status": "error", "message": "no such job"},
    ]
    body = {"batch_id": "b", "results": results, "summary": {"total": 3, "successful": 1, "failed": 2}}
    with ScriptedServer([Json(200, body)]) as server:
        async with face.s9s(server.url) as client:
            done = await client.jobs.cancel_batch([1, "2", S9SJob.from_dict(job("3"))], reason="r", force=True)
    assert server.requests[0].json() == {
        "action": "cancel",
        "job_ids": ["1", "2", "3"],
        "options": {"force": True, "reason": "r"},
    }
    assert [outcome.job_id for outcome in done.succeeded] == ["1"]
    assert [outcome.success for outcome in done.results] == [True, False, False]
    assert (done.summary.total, done.summary.successful, done.summary.failed) == (3, 1, 2)
    with pytest.raises(VantageAPIError, match=r"job 2: Job already completed \(and 1 more of 3 failed\)"):
        done.raise_if_any_failed()


async def test_none_at_once_ask_nothing(face: Face) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        done = await client.jobs.bulk("release", [])
    assert isinstance(done, BulkResult)
    assert (done.results, done.summary.total) == ([], 0)
    done.raise_if_any_failed()


async def test_a_priority_goes_with_the_ids(face: Face) -> None:
    with ScriptedServer([Json(200, {"results": []})]) as server:
        async with face.s9s(server.url) as client:
            await client.jobs.bulk("priority", iter([5]), priority=0)
    assert server.requests[0].json() == {"action": "priority", "job_ids": ["5"], "options": {"priority": 0}}


async def test_a_refused_batch_is_raised(face: Face) -> None:
    with ScriptedServer([fault(400, "VALIDATION_ERROR")]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ValidationError):
                await client.jobs.cancel_batch([5])
