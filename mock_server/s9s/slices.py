"""Going over many things without keeping others waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

T = TypeVar("T")
SLICE = 250


async def in_slices(things: Sequence[T], size: int = SLICE) -> AsyncGenerator[T, None]:
    """Yield things; after every ``size`` of them, others get their turn."""
    for start in range(0, len(things), size):
        if start:
            await asyncio.sleep(0)
        for thing in things[start : start + size]:
            yield thing
