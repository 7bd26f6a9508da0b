"""The openai client with default settings, on its nearest equals: files for jobs, events of bare text for lines."""

from __future__ import annotations

import asyncio
import time

from openai import AsyncOpenAI, OpenAI, Stream

from benchmarks.payload import PER_PAGE
from benchmarks.peers import KEY, WORK_PER_PAGE, at_once


class Client:
    """One client for each colour and origin, with default settings."""

    def __init__(self, fast: str, slow: str) -> None:
        self._client = OpenAI(api_key=KEY, base_url=f"{fast}/v1")
        self._slow = OpenAI(api_key=KEY, base_url=f"{slow}/v1")
        self._async = AsyncOpenAI(api_key=KEY, base_url=f"{fast}/v1")
        self._runner = asyncio.Runner()

    def get(self, count: int) -> int:
        for _ in range(count):
            assert self._client.files.retrieve("file-123").id
        return count

    def page(self, count: int) -> int:
        for _ in range(count):
            assert all(file.id for file in self._client.files.list(limit=PER_PAGE).data)
        return count

    def get_at_once(self, count: int, width: int) -> int:
        async def call() -> None:
            assert (await self._async.files.retrieve("file-123")).id

        return self._runner.run(at_once(call, count, width))

    def lines(self, count: int, per_chunk: int) -> int:
        stream = self._client.get(
            f"/lines/lines-{count}-{per_chunk}", cast_to=object, stream=True, stream_cls=Stream[object]
        )
        return sum(map(bool, stream))

    def walk(self, prefetch: int) -> int:
        assert not prefetch, "this client fetches no page ahead"
        seen = 0
        for _ in self._slow.files.list(limit=PER_PAGE):
            seen += 1
            if seen % PER_PAGE == 0:
                time.sleep(WORK_PER_PAGE)
        return seen

    def close(self) -> None:
        self._runner.run(self._async.close())
        self._runner.close()
        self._client.close()
        self._slow.close()
