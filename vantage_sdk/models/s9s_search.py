"""What S9S finds."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from vantage_sdk.models.base import Model


class SearchHit(Model):
    """Something that was found: its kind (``job``, ``node`` or ``user``), its id, and how well it fits, from 0 to 1."""

    type: str | None = None
    id: str
    title: str | None = None
    description: str | None = None
    url: str | None = None
    score: float | None = None


class SearchResults(Model):
    """What was found, the best first, itself a sequence; ``total`` counts all there is, ``query_time`` is in seconds."""

    results: list[SearchHit] = Field(default_factory=list[SearchHit])
    total: int | None = None
    query_time: float | None = None

    def __iter__(self) -> Iterator[SearchHit]:  # type: ignore[override]
        return iter(self.results or [])

    def __len__(self) -> int:
        return len(self.results or [])

    def __getitem__(self, index: int) -> SearchHit:
        return self.results[index]
