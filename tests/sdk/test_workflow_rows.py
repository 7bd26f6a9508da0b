"""Walking the stored rows of a run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.envelopes import RESULT_ID, Store, enveloped, run_of
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer
from vantage_sdk import VantageAPIError

ROWS = [{"n": number} for number in range(2345)]


@pytest.mark.parametrize("prefetch", [0, 1])
@pytest.mark.parametrize("linked", ["linked", "flag", "total"])
async def test_all_rows_are_walked_however_the_server_says_that_there_are_more(
    face: Face, linked: str, prefetch: int
) -> None:
    store = Store(ROWS)

    def answer(request: Request, connection: int) -> Json:
        if request.method == "POST":
            return enveloped(run_of(ROWS[:100], len(ROWS)))
        page = store.page(request)
        left_out = {"linked": (), "flag": ("next_page_url",), "total": ("next_page_url", "has_more")}[linked]
        return enveloped({name: value for name, value in page.items() if name not in left_out})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42)
            assert (result.complete, len(result.rows)) == (False, 100)
            assert [row async for row in result.iter_rows(prefetch=prefetch)] == ROWS
            sizes = [len(page) async for page in result.iter_pages(page_size=700, prefetch=prefetch)]
            assert await result.to_dicts() == ROWS
            assert [row async for row in client.workflows.iter_rows(42, RESULT_ID, prefetch=prefetch)] == ROWS
    assert sizes == [700, 700, 700, 245]
    assert [request.query for request in server.requests[1:4]] == [
        {"page": str(page), "limit": "1000"} for page in range(3)
    ]


async def test_a_size_that_the_server_cuts_down_leaves_nothing_out(face: Face) -> None:
    with ScriptedServer(Store(ROWS)) as server:
        async with face.client(server.url) as client:
            assert [row async for row in client.workflows.iter_rows(42, RESULT_ID, page_size=5000)] == ROWS


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/v1/workflows/42/data/x?page=1",
        "//evil.example/api/v1/workflows/42/data/x",
        "/v1/jobs?page=1",
        "/api/v1/../../v1/jobs",
        "/api/v1/%2e%2e/%2e%2e/v1/jobs",
        "/api/v1/%252e%252e/x",
        "/api/v1/..%2f..%2fv1/jobs",
        "/api/v1x/workflows",
        "http://user:pw@127.0.0.1/api/v1/x",
        "javascript:alert(1)",
        "\\\\evil.example\\x",
        "",
        7,
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed_but_worked_out(face: Face, link: Any) -> None:
    store = Store(ROWS[:15])

    def answer(request: Request, connection: int) -> Json:
        assert request.path == "/api/v1/workflows/42/data/dataRef%3Awf42_abc123"
        page = store.page(request)
        return enveloped({**page, "next_page_url": link if page["has_more"] else None})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            assert [row async for row in client.workflows.iter_rows(42, RESULT_ID, page_size=10)] == ROWS[:15]
    assert [request.query["page"] for request in server.requests] == ["0", "1"]


@pytest.mark.parametrize("mount", ["", "/mount"])
async def test_a_link_below_the_base_url_is_followed_as_it_is(face: Face, mount: str) -> None:
    pages = {
        "dataRef%3Awf42_abc123": {
            "rows": ROWS[:1],
            "has_more": True,
            "next_page_url": f"{mount}/api/v1/next?cursor=a%20b&x=1&x=2",
        },
        "next": {"rows": ROWS[1:2], "has_more": False},
    }

    def answer(request: Request, connection: int) -> Json:
        return enveloped(pages[request.path.rpartition("/")[2]])

    with ScriptedServer(answer) as server:
        async with face.client(f"{server.url}{mount}") as client:
            assert [row async for row in client.workflows.iter_rows(42, RESULT_ID)] == ROWS[:2]
    assert server.requests[1].target == f"{mount}/api/v1/next?cursor=a%20b&x=1&x=2"
    assert server.requests[1].header("authorization") == "Bearer your-api-key"


async def test_pages_that_go_round_in_a_circle_are_an_error(face: Face) -> None:
    def answer(request: Request, connection: int) -> Json:
        return enveloped({"rows": ROWS[:1], "has_more": True, "next_page_url": "/api/v1/next"})

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError) as caught:
                _ = [row async for row in client.workflows.iter_rows(42, RESULT_ID)]
    assert (caught.value.code, len(server.requests)) == ("pagination_cycle", 2)


@pytest.mark.parametrize("more", [{"has_more": False}, {"has_more": True, "rows": []}])
async def test_pages_that_end_too_early_are_an_error_and_no_short_table(face: Face, more: dict[str, Any]) -> None:
    answers = [enveloped(run_of(ROWS[:1], 3)), enveloped({"rows": ROWS[:1], "total_rows": 3, **more})]
    with ScriptedServer(answers) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42)
            with pytest.raises(VantageAPIError, match="there are 3 rows, but its pages end after") as caught:
                await result.to_dicts()
    assert caught.value.code == "incomplete_result"


@pytest.mark.parametrize("given", [{"page_size": 0}, {"page_size": True}, {"prefetch": 2}])
async def test_odd_ways_to_walk_are_refused_before_anything_is_sent(face: Face, given: dict[str, Any]) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=next(iter(given))):
            _ = [row async for row in client.workflows.iter_rows(42, RESULT_ID, **given)]
