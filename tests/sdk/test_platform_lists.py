"""The lists of teams, members, invoices, webhooks and a user's jobs: one page, every page, everything, and their filters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.platform_samples import INVOICE, MEMBER, TEAM, WEBHOOK, page
from tests.support.scripted import Json, Request, ScriptedServer

JOB = {"id": "job_1", "status": "running"}
MANY = 250
LISTS = [
    pytest.param("teams.list", (), "/v1/teams", "teams", TEAM, "id", id="teams"),
    pytest.param("teams.members", ("t/1",), "/v1/teams/t%2F1/members", "members", MEMBER, "user_id", id="members"),
    pytest.param("billing.invoices", (), "/v1/billing/invoices", "invoices", INVOICE, "id", id="invoices"),
    pytest.param("webhooks.list", (), "/v1/webhooks", "webhooks", WEBHOOK, "id", id="webhooks"),
    pytest.param("users.jobs", ("u",), "/v1/users/u/jobs", "jobs", JOB, "id", id="jobs"),
]
WHOLE = LISTS[:4]
FILTERS = {
    "created_after": "2024-01-01",
    "created_before": datetime(2024, 2, 1, tzinfo=UTC),
    "updated_after": "2024-01-01T00:00:00Z",
    "updated_before": "2024-02-01T00:00:00+01:00",
    "sort": "-name",
}
SENT = {**FILTERS, "created_before": "2024-02-01T00:00:00Z"}


def call(client: Any, name: str) -> Callable[..., Any]:
    noun, _, verb = name.partition(".")
    return getattr(getattr(client, noun), verb)


def backend(path: str, key: str, sample: dict[str, Any], field: str) -> Callable[[Request, int], Json]:
    """Serve a list of ``MANY`` items by offset, as the platform does."""

    def answer(request: Request, _: int) -> Json:
        assert (request.method, request.path) == ("GET", path)
        size, start = int(request.query.get("limit", 50)), int(request.query.get("offset", 0))
        items = [{**sample, field: f"x{number}"} for number in range(start, min(start + size, MANY))]
        return Json(200, page(key, *items, total=MANY, number=start // size + 1, size=size))

    return answer


@pytest.mark.parametrize(("name", "args", "path", "key", "sample", "field"), WHOLE)
async def test_a_list_is_everything(
    face: Face, name: str, args: Any, path: str, key: str, sample: dict[str, Any], field: str
) -> None:
    with ScriptedServer(backend(path, key, sample, field)) as server:
        async with face.client(server.url) as client:
            found = await call(client, name)(*args)
    assert [item.to_dict()[field] for item in found] == [f"x{number}" for number in range(MANY)]
    assert (found.total, found.has_next) == (MANY, False)
    assert [request.query.get("limit") for request in server.requests] == ["100"] * 3


async def test_the_list_of_a_users_jobs_is_a_page_as_that_of_all_jobs(face: Face) -> None:
    with ScriptedServer(backend("/v1/users/me/jobs", "jobs", JOB, "id")) as server:
        async with face.client(server.url) as client:
            found = await client.users.jobs()
            rest = await client.users.jobs(page_token=found.next_page_token)
    assert (len(found), found.total, found[0].id, rest[0].id) == (50, MANY, "x0", "x50")
    assert server.requests[0].query == {}


@pytest.mark.parametrize(("name", "args", "path", "key", "sample", "field"), LISTS)
async def test_a_list_is_one_page_where_one_is_asked_for(
    face: Face, name: str, args: Any, path: str, key: str, sample: dict[str, Any], field: str
) -> None:
    with ScriptedServer(backend(path, key, sample, field)) as server:
        async with face.client(server.url) as client:
            first = await call(client, name)(*args, limit=2, sort="name")
            second = await call(client, name)(*args, sort="name", page_token=first.next_page_token)
    assert [item.to_dict()[field] for item in [*first, *second]] == ["x0", "x1", "x2", "x3"]
    assert [request.query for request in server.requests] == [
        {"limit": "2", "sort": "name"},
        {"limit": "2", "sort": "name", "offset": "2"},
    ]


@pytest.mark.parametrize(("name", "args", "path", "key", "sample", "field"), LISTS)
async def test_the_iterators_walk_all_pages_with_the_filters(
    face: Face, name: str, args: Any, path: str, key: str, sample: dict[str, Any], field: str
) -> None:
    name = name.removesuffix("s.list") + "s.list" if name.endswith("list") else name
    with ScriptedServer(backend(path, key, sample, field)) as server:
        async with face.client(server.url) as client:
            pages = [
                len(found)
                async for found in call(client, f"{name}_paginated")(*args, page_size=90, prefetch=1, **FILTERS)
            ]
            items = [item.to_dict()[field] async for item in call(client, f"{name}_all")(*args, max_items=3, **FILTERS)]
    assert pages == [90, 90, 70]
    assert items == ["x0", "x1", "x2"]
    assert all(request.query.items() >= SENT.items() for request in server.requests)
    assert len(server.requests) == 4


async def test_a_users_jobs_are_narrowed_as_all_jobs_are(face: Face) -> None:
    with ScriptedServer([Json(200, page("jobs"))]) as server:
        async with face.client(server.url) as client:
            await client.users.jobs("u", status="failed", cluster="gpu-cluster")
    assert server.requests[0].query == {"status": "failed", "cluster_id": "gpu-cluster"}


@pytest.mark.parametrize(("name", "args", "path", "key", "sample", "field"), LISTS)
@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"sort": "size"}, ValueError, "sort is one of created_at, updated_at, name"),
        ({"sort": "--name"}, ValueError, "sort is one of"),
        ({"sort": 3}, ValueError, "sort is one of"),
        ({"created_after": "soon"}, ValueError, "created_after takes ISO 8601 text such as .*, not 'soon'"),
        ({"updated_before": datetime(2024, 1, 1)}, ValueError, "updated_before needs a time zone"),
        ({"updated_after": 1705312200}, TypeError, "updated_after takes text or a datetime, not int"),
        ({"limit": 0}, ValueError, "limit is a number from 1, not 0"),
        ({"offset": 1, "page": 2}, ValueError, "page and offset are two ways"),
        ({"page_token": "what"}, ValueError, "page_token"),
        ({"colour": "red"}, TypeError, "takes no keyword 'colour'"),
    ],
)
async def test_wrong_filters_are_refused_before_anything_is_sent(
    face: Face,
    name: str,
    args: Any,
    path: str,
    key: str,
    sample: dict[str, Any],
    field: str,
    given: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(error, match=says):
            await call(client, name)(*args, **given)
