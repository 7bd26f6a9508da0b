"""Keeps the search index in step with the cluster and the users."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from mock_server.s9s.node_views import all_nodes, memberships
from mock_server.s9s.people import People
from mock_server.s9s.search_documents import job_words, node_words, user_words
from mock_server.s9s.search_index import SearchIndex
from mock_server.s9s.slices import SLICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_server.cluster.event import Event
    from mock_server.s9s.search_index import Key, Words
    from mock_server.state import ServerState


class Catalogue:
    """Built at the first search; from then on events say what has to be looked at again before the next one."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._index = SearchIndex()
        self._stale: dict[str, None] = {}
        self._nodes_stale = True
        self._people: dict[Key, Words] = {}
        self._turn = asyncio.Lock()
        self._begin()
        self._unsubscribe = state.cluster.subscribe(self._notice)

    async def current(self) -> SearchIndex:
        """Return the index as things are now; others get their turn while it is brought up to date."""
        async with self._turn:
            if self._index.is_sparse:
                self._begin()
            self._index.update(self._users())
            while self._stale or self._nodes_stale:
                self._index.update(self._some())
                if self._stale:
                    await asyncio.sleep(0)
            for _ in self._index.prepare():
                await asyncio.sleep(0)
            return self._index

    def close(self) -> None:
        self._unsubscribe()

    def _begin(self) -> None:
        self._index = SearchIndex()
        self._stale = dict.fromkeys(self._state.cluster.jobs)
        self._nodes_stale = True
        self._people = {}

    def _notice(self, event: Event) -> None:
        if event.kind.startswith("job."):
            if event.kind != "job.log":
                self._stale[event.subject] = None
                self._nodes_stale = True  # their states follow from the jobs on them
        else:
            self._nodes_stale = True

    def _some(self) -> dict[Key, Words | None]:
        """Return the documents of some of the jobs that have changed, and of the nodes."""
        people = People(self._state.users)
        documents: dict[Key, Words | None] = {}
        for job_id in list(self._stale)[:SLICE]:
            del self._stale[job_id]
            job = self._state.cluster.jobs.get(job_id)
            documents["job", job_id] = None if job is None else job_words(job, people)
        if self._nodes_stale:
            self._nodes_stale = False
            documents.update(self._nodes())
        return documents

    def _nodes(self) -> Iterator[tuple[Key, Words | None]]:
        cluster = self._state.cluster
        yield from ((key, None) for key in self._index.keys("node"))
        partitions = memberships(cluster)
        for node in all_nodes(cluster):
            owner = cluster.clusters[node.cluster_id]
            yield ("node", node.name), node_words(owner, node, partitions.get(node.name, []))

    def _users(self) -> dict[Key, Words | None]:
        """Return the users, who change without an event."""
        accounts = defaultdict[str, list[str]](list)
        for association in self._state.cluster.associations:
            accounts[association.user_id].append(association.account)
        people = {("user", user.username): user_words(user, accounts[user.id]) for user in self._state.users.values()}
        gone = dict.fromkeys(self._people.keys() - people.keys())
        self._people = dict(people)
        return {**gone, **people}
