"""Plain httpx with ``json.loads``."""

from __future__ import annotations

import asyncio
import json
import time

import httpx

from benchmarks.payload import PER_PAGE, ROWS_A_PAGE
from benchmarks.peers import KEY, WORK_PER_PAGE, at_once

HEADERS = {"Authorization": f"Bearer {KEY}"}


class Client:
    """One client for each colour and origin, with default settings."""

    def __init__(self, fast: str, slow: str) -> None:
        self._client = httpx.Client(base_url=f"{fast}/v1", headers=HEADERS)
        self._slow = httpx.Client(base_url=f"{slow}/v1", headers=HEADERS)
        self._fast = fast
        self._async: httpx.AsyncClient | None = None
        self._runner = asyncio.Runner()

    def get(self, count: int) -> int:
        for _ in range(count):
            assert json.loads(self._client.get("/jobs/job_123").content)["id"]
        return count

    def page(self, count: int) -> int:
        for _ in range(count):
            body = json.loads(self._client.get("/jobs", params={"limit": PER_PAGE}).content)
            assert all(job["id"] for job in body["jobs"])
        return count

    def get_at_once(self, count: int, width: int, kept: int = 20) -> int:
        client = self._async = self._async or self._keeping(kept)

        async def call() -> None:
            assert json.loads((await client.get("/jobs/job_123")).content)["id"]

        return self._runner.run(at_once(call, count, width))

    def _keeping(self, kept: int) -> httpx.AsyncClient:
        # 100 and 20 are the defaults of httpx.
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=kept)
        return httpx.AsyncClient(base_url=f"{self._fast}/v1", headers=HEADERS, limits=limits)

    def lines(self, count: int, per_chunk: int) -> int:
        seen = 0
        path = f"/jobs/lines-{count}-{per_chunk}/logs"
        with self._client.stream("GET", path, params={"follow": "true"}) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: "):
                    seen += bool(line[6:])
        return seen

    def walk(self, prefetch: int) -> int:
        assert not prefetch, "this client fetches no page ahead"
        seen, total = 0, 1
        while seen < total:
            params = {"limit": PER_PAGE, "offset": seen}
            body = json.loads(self._slow.get("/jobs", params=params).content)
            total = body["total"]
            seen += len(body["jobs"])
            time.sleep(WORK_PER_PAGE)
        return seen

    def rows(self) -> int:
        base = f"{self._fast}/api/v1/workflows/42"
        run = json.loads(self._client.post(f"{base}/execute", json={}).content)["data"]
        seen, page, more = 0, 0, True
        while more:
            params = {"page": page, "limit": ROWS_A_PAGE}
            body = json.loads(self._client.get(f"{base}/data/{run['result_id']}", params=params).content)["data"]
            seen += sum(bool(row["charge_id"]) for row in body["rows"])
            page, more = page + 1, body["has_more"]
        return seen

    def close(self) -> None:
        if self._async:
            self._runner.run(self._async.aclose())
        self._runner.close()
        self._client.close()
        self._slow.close()
