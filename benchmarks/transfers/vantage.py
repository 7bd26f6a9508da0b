"""This project's client, with default settings unless it says otherwise."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.peers import KEY
from vantage_sdk import AsyncVantageClient, VantageClient

LARGE, SMALL = "/bench/large.bin", "/bench/small"


class Client:
    """The blocking client and the asynchronous one; every transfer is verified."""

    def __init__(self, url: str, offer: str, folder: Path) -> None:
        verify = str(folder / "authority.pem") if url.startswith("https") else None
        base = f"{url}/{offer}/v1"
        self._client = VantageClient(api_key=KEY, base_url=base, verify=verify)
        self._async = AsyncVantageClient(api_key=KEY, base_url=base, verify=verify)
        self._runner = asyncio.Runner()
        self._large = folder / "large.bin"
        self._small = folder / "small"
        self._new = folder / "new"

    def warm(self) -> None:
        self._client.storage.upload_bytes(b"warm", "/bench/warm.bin", overwrite=True)
        self._client.storage.download(f"{SMALL}/0000.bin", self._new)
        self._runner.run(self._async.storage.download(f"{SMALL}/0000.bin", self._new))

    def download(self, connections: int) -> int:
        self._client.storage.download(LARGE, self._new, connections=connections)
        return self._new.stat().st_size

    def download_async(self, connections: int) -> int:
        self._runner.run(self._async.storage.download(LARGE, self._new, connections=connections))
        return self._new.stat().st_size

    def upload(self) -> int:
        return self._client.storage.upload(self._large, LARGE, overwrite=True).size or 0

    def upload_files(self) -> int:
        return self._client.storage.upload_directory(self._small, SMALL, overwrite=True).bytes

    def download_files(self) -> int:
        return self._client.storage.download_directory(SMALL, self._new.with_name("new.d")).bytes

    def close(self) -> None:
        self._runner.run(self._async.aclose())
        self._runner.close()
        self._client.close()
