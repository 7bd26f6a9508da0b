"""Every node type there is, and the categories they are listed under."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mock_server.pipelines import terminators
from mock_server.pipelines.node_type import Category, NodeType
from mock_server.pipelines.operators import setters
from mock_server.pipelines.sources import databases, hubspot, platform, slack, stripe, trackers

_SOURCES = (stripe, slack, trackers, hubspot, databases, platform)
_ALL = (*(one for source in _SOURCES for one in source.NODE_TYPES), *setters.NODE_TYPES, *terminators.NODE_TYPES)

NODE_TYPES: Mapping[str, NodeType] = MappingProxyType({one.name: one for one in sorted(_ALL, key=lambda one: one.name)})
CATEGORIES: tuple[Category, ...] = tuple(sorted({one.category for one in _ALL}, key=lambda one: one.id))


def node_count(category: Category) -> int:
    """Return how many node types a category has."""
    return sum(one.category == category for one in _ALL)
