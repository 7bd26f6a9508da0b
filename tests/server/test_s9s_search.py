"""Searching jobs, nodes and users."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from mock_server import MockServer
from mock_server.s9s.search_index import SearchIndex, words_of
from mock_server.s9s.vocabulary import BLOCK, RECENT

PLATFORM = {"Authorization": "Bearer YOUR_API_KEY"}


def find(s9s: httpx.Client, q: str, **options: Any) -> dict[str, Any]:
    response = s9s.get("/v1/search", params={"q": q, **options})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def ids(reply: dict[str, Any]) -> set[str]:
    return {hit["id"] for hit in reply["results"]}


def test_the_documented_search_finds_a_job_of_alice(s9s: httpx.Client) -> None:
    reply = find(s9s, "alice gpu", limit=20)
    hit = next(hit for hit in reply["results"] if hit["id"] == "12345")
    assert hit["type"] == "job"
    assert hit["title"] == "alice's simulation_run"
    assert hit["description"] == "Running on gpu partition, 4 GPUs"
    assert s9s.get(hit["url"].removeprefix("/s9s")).json()["job_id"] == "12345"
    assert 0 < hit["score"] <= 1
    assert reply["query_time"] > 0


def test_links_have_the_mount_only_where_one_was_used(server: MockServer) -> None:
    headers = {"Authorization": "Bearer YOUR_TOKEN", "Host": "api.example.com"}
    body = httpx.get(f"{server.url}/v1/search?q=12345", headers=headers).json()
    assert "/v1/jobs/12345" in {hit["url"] for hit in body["results"]}


@pytest.mark.parametrize(
    ("q", "kind", "found"),
    [
        ("gpu001", "nodes", "gpu001"),
        ("GPU001", "node", "gpu001"),
        ("infiniband nvidia node", "nodes", "node001"),
        ("ali", "users", "alice"),
        ("Example User", "user", "alice"),
        ("simu run research", "jobs", "12345"),
        ("simulation_run", "job", "12345"),
    ],
)
def test_every_word_may_be_a_beginning_in_any_case(s9s: httpx.Client, q: str, kind: str, found: str) -> None:
    reply = find(s9s, q, type=kind, limit=100)
    assert found in ids(reply)
    assert {hit["type"] for hit in reply["results"]} == {kind.removesuffix("s")}


@pytest.mark.parametrize("q", ["alice nonesuch", "nonesuch", "---", "imulation"])
def test_a_word_that_nothing_has_finds_nothing(s9s: httpx.Client, q: str) -> None:
    assert (find(s9s, q)["results"], find(s9s, q)["total"]) == ([], 0)


@pytest.mark.parametrize(
    "query", ["", "?q=", "?q=a&type=things", "?q=a&limit=0", "?q=" + "+".join("abcdefghijklmnopq")]
)
def test_a_search_that_means_nothing_is_refused(s9s: httpx.Client, query: str) -> None:
    response = s9s.get(f"/v1/search{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_the_total_counts_what_the_limit_cuts_off(s9s: httpx.Client) -> None:
    whole = find(s9s, "node", limit=1000)
    assert find(s9s, "node", limit=1)["total"] == whole["total"] == len(whole["results"]) > 1


def test_scores_fall_and_an_exact_id_stands_first(s9s: httpx.Client) -> None:
    reply = find(s9s, "12345")
    scores = [hit["score"] for hit in reply["results"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0


def test_what_changes_is_found_as_it_is_and_what_goes_is_not(server: MockServer, s9s: httpx.Client) -> None:
    assert find(s9s, "zebra")["total"] == 0
    job = httpx.post(f"{server.url}/v1/jobs", json={"name": "zebra", "command": "sleep 5"}, headers=PLATFORM).json()[
        "id"
    ]
    assert ids(find(s9s, "zebra pending")) == {job}
    server.advance(1)
    assert find(s9s, "zebra pending")["total"] == 0
    assert ids(find(s9s, "zebra running")) == {job}
    httpx.patch(f"{server.url}/v1/jobs/{job}", json={"name": "okapi"}, headers=PLATFORM)
    assert find(s9s, "zebra")["total"] == 0
    assert ids(find(s9s, "okapi")) == {job}
    httpx.delete(f"{server.url}/v1/jobs/{job}", headers=PLATFORM)
    assert find(s9s, "okapi")["total"] == 0


def test_a_node_that_goes_down_is_found_as_such(server: MockServer, s9s: httpx.Client) -> None:
    assert find(s9s, "gpu002 down")["total"] == 0
    server.cluster.fail_node("hpc-cluster", "gpu002", "no power")
    assert ids(find(s9s, "gpu002 down power")) == {"gpu002"}


def test_a_reset_begins_with_an_empty_index(server: MockServer, s9s: httpx.Client) -> None:
    before = find(s9s, "alice")["total"]
    s9s.post("/v1/jobs", json={"script": "true"})
    assert find(s9s, "alice")["total"] == before + 1
    server.reset()
    assert find(s9s, "alice")["total"] == before


WORDS = st.sampled_from(["alpha", "alpine", "al", "beta", "betamax", "b1", "b12", "gamma"])
DOCUMENTS = st.dictionaries(
    st.integers(0, 40), st.none() | st.tuples(*[st.frozensets(WORDS, max_size=3) for _ in range(3)]), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.lists(st.sampled_from(["al", "alp", "b", "beta", "b12", "z"])))
def test_the_index_finds_what_looking_at_everything_finds(changes: list[Any], query: list[str]) -> None:
    index, present = SearchIndex(), dict[str, Any]()
    for change in changes:
        documents = {("job", str(number)): words for number, words in change.items()}
        index.update(documents)
        present.update({key[1]: words for key, words in documents.items()})
    present = {key: words for key, words in present.items() if words is not None}
    hits, total = index.search(" ".join(query), limit=1000)
    expected = {
        key
        for key, tiers in present.items()
        if query and all(any(own.startswith(word) for tier in tiers for own in tier) for word in query)
    }
    assert {hit.key[1] for hit in hits} == expected
    assert total == len(expected)
    assert len(index) == len(present)
    assert all(0 < hit.score <= 1 for hit in hits)


def test_many_documents_are_found_by_blocks_of_words_and_by_new_ones() -> None:
    index, count = SearchIndex(), RECENT + 2 * BLOCK
    none: frozenset[str] = frozenset()
    index.update({("job", str(n)): (words_of(f"sweep{n:05}"), words_of("alice"), none) for n in range(count)})
    for _ in index.prepare():
        pass
    index.update({("job", "new"): (words_of("sweep99999"), none, none)})
    assert index.search("sweep", limit=1)[1] == count + 1
    assert index.search("sweep0012", limit=100)[1] == 10
    assert index.search("sweep9999", limit=1)[0][0].key == ("job", "new")
    index.update({("job", str(n)): None for n in range(1000, 2000)})
    assert index.search("sweep", limit=1)[1] == count + 1 - 1000
    assert index.search("alice sweep00", limit=1)[1] == 1000
    assert not index.is_sparse
    index.update({("job", str(n)): None for n in range(2000, 4000)})
    assert index.is_sparse


def test_a_rare_word_counts_more_and_a_better_field_too() -> None:
    index = SearchIndex()
    none: frozenset[str] = frozenset()
    index.update({("job", str(n)): (none, none, words_of("common")) for n in range(100)})
    index.update({("job", "name"): (words_of("rare"), none, words_of("common"))})
    index.update({("job", "text"): (words_of("common"), none, words_of("rare"))})
    assert [hit.key[1] for hit in index.search("rare common", limit=2)[0]] == ["name", "text"]
