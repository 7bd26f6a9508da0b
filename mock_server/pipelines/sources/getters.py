"""Getters as node types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mock_server.pipelines.node_type import Category, NodeType, Step
from mock_server.pipelines.sources.draws import Draws
from mock_server.pipelines.sources.reading import Build, Reading, entities, events

if TYPE_CHECKING:
    from mock_server.pipelines import lazy_polars as pl

Read = Callable[[Step[Any]], "pl.DataFrame"]


def getter(
    category: Category, prefix: str, name: str, label: str, what: str, config: type[Reading], run: Read
) -> NodeType:
    """Return a getter that retrieves ``what``."""
    description = f"Retrieve {what}"
    return NodeType(
        f"{prefix}/{name}", category, label, "getter", description, config, run, requires_credential=prefix != "vantage"
    )


def events_of(prefix: str, table: str, every: int, build: Build, *, at: str = "created") -> Read:
    """Return what reads a table of events."""
    return lambda step: events(step, f"{prefix}.{table}", every, build, at=at)


def entities_of(prefix: str, table: str, count: int, build: Callable[[Draws], dict[str, pl.Series]]) -> Read:
    """Return what reads a table of entities."""
    return lambda step: entities(step, f"{prefix}.{table}", count, build)
