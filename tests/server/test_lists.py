"""Lists: paging, filters, order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer


@pytest.fixture
def jobs(make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """Seven jobs, a minute apart except that the last two are of the same instant; names in another order."""
    server = make_server(world="empty")
    client = make_client(server)
    for index, name in enumerate("gfedcba"):
        client.post("/v1/jobs", json={"name": name, "command": "true"})
        if index < 5:
            server.advance(60)
    return client


def names(client: httpx.Client, query: str = "") -> list[str]:
    return [job["name"] for job in client.get(f"/v1/jobs?{query}").json()["jobs"]]


def page(client: httpx.Client, query: str) -> tuple[int, int, int, int]:
    body = client.get(f"/v1/jobs?{query}").json()
    return len(body["jobs"]), body["total"], body["page"], body["per_page"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (7, 7, 1, 50)),
        ("limit=3", (3, 7, 1, 3)),
        ("limit=3&offset=3", (3, 7, 2, 3)),
        ("limit=3&offset=6", (1, 7, 3, 3)),
        ("limit=3&page=3", (1, 7, 3, 3)),
        ("limit=3&page=9", (0, 7, 9, 3)),
        ("limit=3&page=1&offset=3", (3, 7, 2, 3)),
        ("limit=101", (7, 7, 1, 100)),
        ("limit=999999", (7, 7, 1, 100)),
        ("offset=100", (0, 7, 3, 50)),
        ("offset=1000000000000000", (0, 7, 20000000000001, 50)),
    ],
)
def test_paging(jobs: httpx.Client, query: str, expected: tuple[int, int, int, int]) -> None:
    assert page(jobs, query) == expected


def test_pages_cover_the_list_exactly_once(jobs: httpx.Client) -> None:
    seen = [name for offset in range(0, 7, 2) for name in names(jobs, f"limit=2&offset={offset}")]
    assert seen == names(jobs)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1.0", "limit=%201", "limit=1_0", "offset=-1", "page=0"]
)
def test_values_out_of_range_are_refused(jobs: httpx.Client, query: str) -> None:
    response = jobs.get(f"/v1/jobs?{query}")
    assert response.status_code == 400
    assert response.json()["details"]["field"] == query.partition("=")[0]


def test_newest_first_with_ties_by_id(jobs: httpx.Client) -> None:
    found = jobs.get("/v1/jobs").json()["jobs"]
    assert [job["name"] for job in found[2:]] == ["c", "d", "e", "f", "g"]
    assert {job["name"] for job in found[:2]} == {"a", "b"}
    assert found[0]["id"] < found[1]["id"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("name", "abcdefg"), ("-name", "gfedcba"), ("created_at", "gfedc"), ("updated_at", "gfedc")],
)
def test_sort(jobs: httpx.Client, sort: str, expected: str) -> None:
    assert "".join(names(jobs, f"sort={sort}")).startswith(expected)


def test_an_unknown_sort_key_is_refused(jobs: httpx.Client) -> None:
    assert jobs.get("/v1/jobs?sort=status").json()["details"]["field"] == "sort"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("created_after=2024-01-15T10:35:00Z", "abcdef"),
        ("created_after=2024-01-15T10:34:59.999999Z", "abcdefg"),
        ("created_before=2024-01-15T10:36:00Z", "g"),
        ("created_after=2024-01-15T10:35:00Z&created_before=2024-01-15T10:37:00Z", "f"),
        ("created_after=2024-01-15T12:35:00%2B02:00", "abcdef"),
        ("created_after=2024-01-15", "abcdefg"),
        ("created_before=2024-01-15", ""),
        ("updated_after=2024-01-15T10:39:30Z", "ab"),
        ("updated_before=2024-01-15T10:36:00Z", "g"),
        ("created_before=9999-12-31T23:59:60Z", "abcdefg"),
        ("created_after=0001-01-01T00:00:00%2B14:00", "abcdefg"),
    ],
)
def test_date_bounds_are_exclusive(jobs: httpx.Client, query: str, expected: str) -> None:
    assert sorted(names(jobs, query)) == sorted(expected)


@pytest.mark.parametrize("value", ["yesterday", "2024-13-01", "2024-01-15T25:00:00Z", "20240115", "1705314900", ""])
def test_unreadable_dates_are_refused(jobs: httpx.Client, value: str) -> None:
    response = jobs.get("/v1/jobs", params={"created_after": value})
    assert response.status_code == 400
    assert response.json()["details"]["field"] == "created_after"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=running", {"job_123", "job-12345", "job-67890", "job-abc123", "12345", "12347"}),
        ("status=completed", {"job_121", "12344"}),
        ("cluster_id=cluster_abc", {"job_123", "job-abc123"}),
        ("cluster_id=gpu-cluster", {"job_123", "job-abc123"}),
        ("cluster=gpu-cluster", {"job_123", "job-abc123"}),
        ("cluster=gpu-cluster&status=failed", set[str]()),
        ("cluster_id=unheard-of", set[str]()),
        ("user_id=user_456&status=failed", {"job_122"}),
        ("user_id=user_1", set[str]()),
    ],
)
def test_filters(client: httpx.Client, query: str, expected: set[str]) -> None:
    body = client.get(f"/v1/jobs?{query}").json()
    assert {job["id"] for job in body["jobs"]} == expected
    assert body["total"] == len(expected)


def test_the_job_of_an_idempotency_key_can_be_found(client: httpx.Client) -> None:
    body = {"name": "n", "command": "true"}
    job = client.post("/v1/jobs", json=body, headers={"Idempotency-Key": "k-1"}).json()
    client.post("/v1/jobs", json=body, headers={"Idempotency-Key": "k-2"})
    assert job["idempotency_key"] == "k-1"
    found: list[Any] = client.get("/v1/jobs?idempotency_key=k-1").json()["jobs"]
    assert [one["id"] for one in found] == [job["id"]]
    assert client.get("/v1/jobs?idempotency_key=k").json()["jobs"] == []
