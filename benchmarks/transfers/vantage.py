"""This project's client, with default settings unless it says otherwise."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from benchmarks.peers import KEY
from benchmarks.transfers.ground import FILE_SIZE, SINGLY, few
from vantage_sdk import AsyncVantageClient, VantageClient

LARGE, SMALL = "/bench/large.bin", "/bench/small"
TICK = 0.001


class Client:
    """The blocking client and the asynchronous one; ``stall`` is the longest time in ms that a loop did not turn."""

    def __init__(self, url: str, offer: str, folder: Path) -> None:
        verify = str(folder / "authority.pem") if url.startswith("https") else None
        base = f"{url}/{offer}/v1"
        self._client = VantageClient(api_key=KEY, base_url=base, verify=verify)
        self._async = AsyncVantageClient(api_key=KEY, base_url=base, verify=verify)
        self._runner = asyncio.Runner()
        self._large = folder / "large.bin"
        self._small = folder / "small"
        self._new = folder / "new"
        self.stall = 0.0

    def warm(self) -> None:
        self._client.storage.upload_bytes(b"warm", "/bench/warm.bin", overwrite=True)
        self._client.storage.download(f"{SMALL}/00000.bin", self._new)
        self._runner.run(self._async.storage.download(f"{SMALL}/00000.bin", self._new))

    def download(self, connections: int, checksum: int) -> int:
        self._client.storage.download(LARGE, self._new, connections=connections, checksum=bool(checksum))
        return self._new.stat().st_size

    def download_async(self, connections: int, checksum: int) -> int:
        self._runner.run(
            self._async.storage.download(LARGE, self._new, connections=connections, checksum=bool(checksum))
        )
        return self._new.stat().st_size

    def download_watched(self, connections: int, checksum: int) -> int:
        """Download, on all cores, while a task of the same loop notes how late it is woken up."""
        if hasattr(os, "sched_setaffinity"):  # on one, the loop would wait for the scheduler of the system
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
        self._runner.run(self._watched(connections, checksum=bool(checksum)))
        return self._new.stat().st_size

    async def _watched(self, connections: int, *, checksum: bool) -> None:
        async def watch() -> None:
            while True:
                due = time.perf_counter() + TICK
                await asyncio.sleep(TICK)
                self.stall = max(self.stall, 1000 * (time.perf_counter() - due))

        watching = asyncio.create_task(watch())
        await self._async.storage.download(LARGE, self._new, connections=connections, checksum=checksum)
        watching.cancel()

    def upload(self, checksum: int) -> int:
        return self._client.storage.upload(self._large, LARGE, overwrite=True, checksum=bool(checksum)).size or 0

    def upload_files(self) -> int:
        return self._client.storage.upload_directory(self._small, SMALL, overwrite=True).bytes

    def download_files(self) -> int:
        return self._client.storage.download_directory(SMALL, self._new.with_name("new.d")).bytes

    def upload_singly(self) -> int:
        for path in few(self._small):
            self._client.storage.upload(path, f"{SMALL}/{path.name}", overwrite=True)
        return SINGLY * FILE_SIZE

    def download_singly(self) -> int:
        folder = self._new.with_name("new.d")
        folder.mkdir()
        for path in few(self._small):
            self._client.storage.download(f"{SMALL}/{path.name}", folder / path.name)
        return SINGLY * FILE_SIZE

    def close(self) -> None:
        self._runner.run(self._async.aclose())
        self._runner.close()
        self._client.close()
