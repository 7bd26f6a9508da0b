"""Search of the S9S family."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import Field
from typing_extensions import TypedDict

from mock_server.errors import invalid_field
from mock_server.routes import Call, Routes
from mock_server.s9s.search_documents import SearchHit, show
from mock_server.s9s.search_index import words_of
from mock_server.validation import QueryNumber, StrictQuery

MAX_LIMIT = 1_000
MAX_WORDS = 16
KINDS = {"job": "job", "jobs": "job", "node": "node", "nodes": "node", "user": "user", "users": "user"}

routes = Routes("search", prefix="/v1")


class Search(StrictQuery):
    """What to look for."""

    q: str = Field(min_length=1, max_length=500, description="Words, each of which must begin a word of what is found.")
    type: Literal["jobs", "nodes", "users", "job", "node", "user"] | None = Field(
        default=None, description="Only resources of this type."
    )
    limit: QueryNumber = Field(default=20, description="Most results; more than 1000 is taken as 1000.")


class SearchReply(TypedDict):
    """What was found, the best first, how many there are in all, and the seconds that it took."""

    results: list[SearchHit]
    total: int
    query_time: float


@routes.get("/search")
async def search(call: Call[Search, None]) -> SearchReply:
    """Search jobs, nodes and users."""
    wanted = call.query
    if len(words_of(wanted.q)) > MAX_WORDS:
        raise invalid_field("q", f"Must not have more than {MAX_WORDS} words")
    index = await call.state.s9s.catalogue.current()
    begun = time.perf_counter()
    kind = None if wanted.type is None else KINDS[wanted.type]
    hits, total = index.search(wanted.q, kind=kind, limit=min(wanted.limit, MAX_LIMIT))
    shown = [view for hit in hits if (view := show(call.state, hit, call.mount)) is not None]
    return {"results": shown, "total": total, "query_time": round(time.perf_counter() - begun, 6)}
