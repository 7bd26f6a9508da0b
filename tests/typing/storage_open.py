"""What type checkers infer for file objects; checked by mypy and pyright, never run."""

from __future__ import annotations

import io
from typing import Any, assert_type

from vantage_sdk import (
    AsyncFileReader,
    AsyncFileWriter,
    AsyncTextReader,
    AsyncTextWriter,
    AsyncVantageClient,
    FileReader,
    FileWriter,
    StorageFile,
    TextWriter,
    VantageClient,
)

client = VantageClient(api_key="key")
aclient = AsyncVantageClient(api_key="key")


def blocking(mode: str) -> None:
    assert_type(client.storage.open("/a", "rb", block_size=1 << 20, timeout=5), FileReader)
    assert_type(client.storage.open("/a", mode="r", encoding="latin-1"), io.TextIOWrapper)
    assert_type(client.storage.open("/a", "x"), TextWriter)
    assert_type(client.storage.open("/a", mode), Any)
    with client.storage.open("/a") as file:
        assert_type(file, FileReader)
        assert_type(file.read(), bytes)
    with client.storage.open("/a", "wb", content_type="text/plain") as writer:
        assert_type(writer, FileWriter)
        assert_type(writer.write(b"a"), int)
    assert_type(writer.stored, StorageFile | None)
    with client.storage.open("/a", "w") as text:
        assert_type(text, TextWriter)


async def awaited(mode: str) -> None:
    assert_type(await aclient.storage.open("/a", "r", newline=""), AsyncTextReader)
    assert_type(await aclient.storage.open("/a", "xb"), AsyncFileWriter)
    assert_type(await aclient.storage.open("/a", mode), Any)
    async with await aclient.storage.open("/a") as file:
        assert_type(file, AsyncFileReader)
        assert_type(await file.read(5), bytes)
        async for line in file:
            assert_type(line, bytes)
    async with await aclient.storage.open("/a", "w") as text:
        assert_type(text, AsyncTextWriter)
        assert_type(await text.write("a"), int)


def mistakes() -> None:
    client.storage.open(7)  # type: ignore[call-overload]  # pyright: ignore
    client.storage.open("/a", blocksize=3)  # type: ignore[call-overload]  # pyright: ignore
    client.storage.open("/a", "wb").write("a")  # type: ignore[arg-type]  # pyright: ignore
    client.with_raw.storage.open("/a")  # type: ignore[arg-type]  # pyright: ignore
    aclient.storage.open("/a").read()  # type: ignore[attr-defined]  # pyright: ignore
