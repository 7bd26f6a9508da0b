"""This project's client, with default settings."""

from __future__ import annotations

import asyncio
import time

from benchmarks.payload import PER_PAGE, ROWS_A_PAGE
from benchmarks.peers import KEY, WORK_PER_PAGE, at_once
from vantage_sdk import AsyncVantageClient, VantageClient


class Client:
    """One client for each colour and origin, with default settings."""

    def __init__(self, fast: str, slow: str) -> None:
        self._client = VantageClient(api_key=KEY, base_url=fast)
        self._slow = VantageClient(api_key=KEY, base_url=slow)
        self._async = AsyncVantageClient(api_key=KEY, base_url=fast)
        self._runner = asyncio.Runner()

    def get(self, count: int) -> int:
        for _ in range(count):
            assert self._client.jobs.get("job_123").id
        return count

    def page(self, count: int) -> int:
        for _ in range(count):
            assert sum(bool(job.id) for job in self._client.jobs.list(limit=PER_PAGE)) == PER_PAGE
        return count

    def get_at_once(self, count: int, width: int) -> int:
        async def call() -> None:
            assert (await self._async.jobs.get("job_123")).id

        return self._runner.run(at_once(call, count, width))

    def lines(self, count: int, per_chunk: int) -> int:
        return sum(map(bool, self._client.jobs.logs_stream(f"lines-{count}-{per_chunk}")))

    def walk(self, prefetch: int) -> int:
        seen = 0
        for _ in self._slow.jobs.list_all(page_size=PER_PAGE, prefetch=prefetch):
            seen += 1
            if seen % PER_PAGE == 0:
                time.sleep(WORK_PER_PAGE)
        return seen

    def rows(self) -> int:
        result = self._client.workflows.execute(42)
        return sum(bool(row["charge_id"]) for row in result.iter_rows(page_size=ROWS_A_PAGE))

    def close(self) -> None:
        self._runner.run(self._async.aclose())
        self._runner.close()
        self._client.close()
        self._slow.close()
