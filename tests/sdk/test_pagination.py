"""Lists: pages, tokens, iterators, and servers that never come to an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mock_server import MockServer
from tests.support.answers import job, jobs
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import Page, VantageAPIError


def query(request: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}


def listing(total: int) -> Any:
    """A server of ``total`` jobs with the documented paging."""

    def script(request: Any, connection: int) -> Json:
        asked = query(request)
        limit, offset = int(asked.get("limit", 50)), int(asked.get("offset", 0))
        found = [job(f"job-{n}") for n in range(offset, min(offset + limit, total))]
        return jobs(*found, total=total, page=offset // limit + 1, per_page=limit)

    return script


async def test_a_page_is_a_sequence_with_its_place_in_the_list(face: Face) -> None:
    with ScriptedServer(listing(120)) as server:
        async with face.client(server.url) as client:
            page = await client.jobs.list()
            last = await client.jobs.list(limit=50, offset=100)
    assert isinstance(page, Page)
    assert isinstance(page, Sequence)
    assert (len(page), page.total, page.limit, page.offset, page.page, page.has_next) == (50, 120, 50, 0, 1, True)
    assert page[0].id == "job-0"
    assert [j.id for j in page[1:3]] == ["job-1", "job-2"]
    assert [j.id for j in page][-1] == page.items[-1].id == "job-49"
    assert (last.has_next, last.next_page_token, last.offset) == (False, None, 100)


async def test_tokens_lead_through_all_pages(face: Face) -> None:
    with ScriptedServer(listing(250)) as server:
        async with face.client(server.url) as client:
            token, seen = None, []
            while True:
                page = await client.jobs.list(limit=100, page_token=token, status="running")
                seen += [j.id for j in page]
                if not page.has_next:
                    break
                token = page.next_page_token
    assert seen == [f"job-{n}" for n in range(250)]
    assert [query(r) for r in server.requests][1] == {"limit": "100", "offset": "100", "status": "running"}


async def test_a_token_belongs_to_its_filters(face: Face) -> None:
    with ScriptedServer(listing(250)) as server:
        async with face.client(server.url) as client:
            page = await client.jobs.list(status="running")
            with pytest.raises(ValueError, match="other filters"):
                await client.jobs.list(status="failed", page_token=page.next_page_token)
            with pytest.raises(ValueError, match="page_token"):
                await client.jobs.list(page_token="nonsense")
            with pytest.raises(ValueError, match="no offset or page beside it"):
                await client.jobs.list(status="running", page_token=page.next_page_token, offset=5)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"page": 1, "offset": 0}, "page and offset"),
        ({"limit": 0}, "limit is a number from 1, not 0"),
        ({"limit": True}, "limit is a number from 1, not True"),
        ({"offset": -1}, "offset is a number from 0, not -1"),
        ({"page": 0}, "page is a number from 1, not 0"),
        ({"limit": "10"}, "limit is a number from 1, not '10'"),
    ],
)
async def test_contradictions_are_refused_before_anything_is_sent(face: Face, place: Any, says: str) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=says):
            await client.jobs.list(**place)


@pytest.mark.parametrize("prefetch", [0, 1])
async def test_iterators_walk_every_page_once(face: Face, prefetch: int) -> None:
    with ScriptedServer(listing(95)) as server:
        async with face.client(server.url) as client:
            pages = [len(page) async for page in client.jobs.list_paginated(page_size=20, prefetch=prefetch)]
            ids = [j.id async for j in client.jobs.list_all(page_size=20, prefetch=prefetch, sort="created_at")]
    assert pages == [20, 20, 20, 20, 15]
    assert ids == [f"job-{n}" for n in range(95)]
    assert len(server.requests) == 10


@pytest.mark.parametrize("prefetch", [0, 1])
async def test_max_items_caps_items_and_requests(face: Face, prefetch: int) -> None:
    with ScriptedServer(listing(1000)) as server:
        async with face.client(server.url) as client:
            ids = [j.id async for j in client.jobs.list_all(page_size=20, max_items=45, prefetch=prefetch)]
    assert len(ids) == 45
    assert len(server.requests) == 3


async def test_leaving_early_fetches_no_more(face: Face) -> None:
    with ScriptedServer(listing(1000)) as server:
        async with face.client(server.url) as client, client.jobs.list_all(page_size=20) as found:
            async for j in found:
                if j.id == "job-25":
                    break
    assert len(server.requests) == 2


async def test_a_failure_while_walking_is_raised_where_it_happens(face: Face) -> None:
    def script(request: Any, connection: int) -> Json:
        if query(request).get("offset"):
            return Json(403, {"error": "permission_denied", "message": "no"})
        return jobs(*[job(f"job-{n}") for n in range(2)], total=4, per_page=2)

    for prefetch in (0, 1):
        with ScriptedServer(script) as server:
            async with face.client(server.url) as client:
                seen = []
                with pytest.raises(VantageAPIError, match="permission_denied"):
                    async for j in client.jobs.list_all(page_size=2, prefetch=prefetch):
                        seen.append(j.id)
        assert seen == ["job-0", "job-1"]


async def test_what_is_inserted_meanwhile_repeats_nothing(face: Face) -> None:
    newest_first = [f"job-{n}" for n in range(10)]

    def script(request: Any, connection: int) -> Json:
        asked = query(request)
        start = int(asked.get("offset", 0))
        if start:
            newest_first.insert(0, f"new-{start}")
        return jobs(*[job(name) for name in newest_first[start : start + 4]], total=len(newest_first), per_page=4)

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            ids = [j.id async for j in client.jobs.list_all(page_size=4)]
    assert ids == [f"job-{n}" for n in range(10)]


async def test_a_server_that_repeats_its_page_is_caught(face: Face) -> None:
    with ScriptedServer(lambda r, c: jobs(job("a"), job("b"), total=1000, per_page=2)) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                [j async for j in client.jobs.list_all(page_size=2)]
    assert caught.value.code == "pagination_cycle"
    assert len(server.requests) == 2


async def test_a_server_whose_tokens_go_in_circles_is_caught(face: Face) -> None:
    tokens = {None: "x", "x": "y", "y": "x"}

    def script(request: Any, connection: int) -> Json:
        asked = query(request).get("page_token")
        return jobs(job(f"at-{asked}-{len(server.requests)}"), next_page_token=tokens[asked])

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError, match="was there already") as caught:
                [j async for j in client.jobs.list_all()]
    assert caught.value.code == "pagination_cycle"


async def test_a_servers_own_token_is_passed_on(face: Face) -> None:
    def script(request: Any, connection: int) -> Json:
        if query(request).get("page_token") == "abc/=+":
            return jobs(job("second"))
        return jobs(job("first"), next_page_token="abc/=+")

    with ScriptedServer(script) as server:
        async with face.client(server.url) as client:
            assert [j.id async for j in client.jobs.list_all()] == ["first", "second"]


@pytest.mark.parametrize(
    "body", [{"jobs": [], "total": 50}, {"jobs": []}, {"jobs": [job()], "has_more": False, "total": 9}]
)
async def test_empty_pages_and_explicit_flags_end_a_list(face: Face, body: dict[str, Any]) -> None:
    with ScriptedServer([Json(200, body)]) as server:
        async with face.client(server.url) as client:
            assert len([j async for j in client.jobs.list_all()]) == len(body["jobs"])


async def test_a_shrinking_total_ends_the_walk(face: Face) -> None:
    answers = [jobs(job("a"), job("b"), total=6, per_page=2), jobs(job("c"), total=3, per_page=2)]
    with ScriptedServer(answers) as server:
        async with face.client(server.url) as client:
            assert [j.id async for j in client.jobs.list_all(page_size=2)] == ["a", "b", "c"]


@pytest.mark.parametrize("options", [{"prefetch": 2}, {"prefetch": -1}, {"max_items": 0}])
async def test_odd_options_are_refused(face: Face, options: dict[str, int]) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=next(iter(options))):
            [j async for j in client.jobs.list_all(**options)]


async def test_clusters_come_whole_unless_a_place_is_given(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        whole = await client.clusters.list()
        first = await client.clusters.list(limit=1, sort="name")
        rest = await client.clusters.list(limit=1, sort="name", page_token=first.next_page_token)
        assert (len(whole), whole.has_next, len(first), first.total) == (4, False, 1, 4)
        assert rest[0].name > first[0].name
        assert [c.name async for c in client.clusters.list_all(page_size=1, sort="-name")] == sorted(
            (c.name for c in whole), reverse=True
        )
