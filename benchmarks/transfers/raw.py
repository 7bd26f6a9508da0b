"""Plain httpx, which verifies nothing unless it is told to."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.peers import KEY

AT_ONCE, PER_PAGE = 8, 100


class Client:
    """One blocking client with default settings."""

    def __init__(self, url: str, offer: str, folder: Path) -> None:
        secure = url.startswith("https")
        verify = ssl.create_default_context(cafile=folder / "authority.pem") if secure else True
        headers = {"Authorization": f"Bearer {KEY}"}
        self._client = httpx.Client(base_url=f"{url}/{offer}/v1", headers=headers, verify=verify)
        self._large = folder / "large.bin"
        self._small = folder / "small"
        self._new = folder / "new"

    def warm(self) -> None:
        self._post(self._small / "00000.bin")
        self._get("file_small_00000.bin", self._new)

    def download(self, hashed: int) -> int:
        digest = hashlib.sha256() if hashed else None
        with self._client.stream("GET", "/storage/files/file_large/download") as reply, self._new.open("wb") as file:
            reply.raise_for_status()
            for chunk in reply.iter_bytes():
                file.write(chunk)
                if digest is not None:
                    digest.update(chunk)
        if digest is not None:
            found = self._client.get("/storage/files/file_large").json()
            assert found["checksum"] == f"sha256:{digest.hexdigest()}"
        return self._new.stat().st_size

    def upload(self, hashed: int) -> int:
        size, digest = self._large.stat().st_size, hashlib.sha256()

        def pieces() -> Iterator[bytes]:
            while piece := file.read(64 << 10):  # as httpx reads a file
                digest.update(piece)
                yield piece

        with self._large.open("rb") as file:
            content = pieces() if hashed else file
            self._client.put("/scrap", content=content, headers={"Content-Length": str(size)}).raise_for_status()
        return size

    def upload_files(self) -> int:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return sum(threads.map(self._post, self._small.iterdir()))

    def download_files(self) -> int:
        folder = self._new.with_name("new.d")
        folder.mkdir()

        def get(file: dict[str, str]) -> int:
            return self._get(file["id"], folder / file["name"])

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return sum(threads.map(get, self._listed()))

    def _listed(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        while True:
            place = {"limit": PER_PAGE, "offset": len(found)}
            reply = self._client.get("/storage/files", params={"path": "/bench/small", "recursive": True, **place})
            page: list[dict[str, str]] = reply.raise_for_status().json()["files"]
            found += page
            if len(page) < PER_PAGE:
                return found

    def _post(self, path: Path) -> int:
        with path.open("rb") as file:
            data = {"path": f"/bench/small/{path.name}", "overwrite": "true"}
            reply = self._client.post("/storage/files", data=data, files={"file": (path.name, file)})
        size: int = reply.raise_for_status().json()["size"]
        return size

    def _get(self, file_id: str, path: Path) -> int:
        return path.write_bytes(self._client.get(f"/storage/files/{file_id}/download").raise_for_status().content)

    def close(self) -> None:
        self._client.close()
