"""Let retries and polls go on without waiting."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def instant_retries() -> Generator[list[float], None, None]:
    """Replace every pause of the SDK by none, in all clients and threads; yields the list of pauses asked for, in seconds.

    Waiting for jobs then asks again at once, so use it with a server whose clock moves by itself (``clock="auto"``).
    """
    import anyio

    from vantage_sdk.core.io.asynchronous import AnyIO
    from vantage_sdk.core.io.blocking import BlockingIO

    asked: list[float] = []

    async def no_pause(_: Any, seconds: float, *_abort: Any) -> None:
        asked.append(seconds)

    async def checkpoint(_: Any, seconds: float) -> None:
        asked.append(seconds)
        await anyio.lowlevel.checkpoint()

    with patch.object(BlockingIO, "sleep", no_pause), patch.object(AnyIO, "sleep", checkpoint):
        yield asked
