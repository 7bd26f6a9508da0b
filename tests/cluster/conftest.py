"""Fixtures of the cluster tests."""

from __future__ import annotations

import pytest

from tests.cluster.world import World


@pytest.fixture
def world() -> World:
    return World()
