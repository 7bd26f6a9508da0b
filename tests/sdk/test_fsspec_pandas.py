"""pandas and pyarrow read and write ``vantage://`` addresses, and fetch no more of a file than they use."""

from __future__ import annotations

import gc
import io
import re
from collections.abc import Iterator

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mock_server import MockServer
from tests.support.interrupted import asked
from vantage_sdk.fs import VantageFileSystem

URL = "vantage://datasets/a.parquet"
ROWS, GROUP = 400_000, 50_000
FRAME = pd.DataFrame({name: range(start, start + ROWS) for start, name in enumerate("abcdefgh")})


@pytest.fixture(scope="module")
def parquet() -> bytes:
    buffer = io.BytesIO()
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    pq.write_table(table, buffer, row_group_size=GROUP, compression="none", use_dictionary=False)
    return buffer.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, parquet: bytes) -> Iterator[MockServer]:
    fsspec.register_implementation("vantage", VantageFileSystem, clobber=True)
    with MockServer(world="empty", rate_limits=False) as running:
        monkeypatch.setenv("VANTAGE_API_KEY", "your-api-key")
        monkeypatch.setenv("VANTAGE_BASE_URL", running.url)
        running.storage.put("/datasets/a.parquet", parquet)
        yield running
    VantageFileSystem.clear_instance_cache()
    gc.collect()


def fetched(server: MockServer) -> int:
    """Return how many bytes were asked for; all of them as ranges."""
    spans = [re.fullmatch(r"bytes=(\d+)-(\d+)", span) for span in asked(server)]
    assert spans
    assert all(spans)
    return sum(int(span[2]) + 1 - int(span[1]) for span in spans if span is not None)


def test_a_table_is_read_with_the_credentials_of_the_environment(server: MockServer) -> None:
    pd.testing.assert_frame_equal(pd.read_parquet(URL), FRAME)


def test_storage_options_are_those_of_a_client(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VANTAGE_API_KEY")
    options = {"api_key": "your-api-key", "base_url": server.url}
    found = pd.read_parquet(URL, columns=["a"], storage_options=options)
    assert list(found["a"]) == list(FRAME["a"])


def test_of_one_column_only_its_bytes_are_fetched(server: MockServer, parquet: bytes) -> None:
    pd.testing.assert_frame_equal(pd.read_parquet(URL, columns=["c"]), FRAME[["c"]])
    assert fetched(server) < len(parquet) / 4  # it has an eighth of them


def test_of_one_row_group_only_its_bytes_are_fetched(server: MockServer, parquet: bytes) -> None:
    found = pd.read_parquet(URL, filters=[("a", ">=", 3 * GROUP), ("a", "<", 4 * GROUP)])
    pd.testing.assert_frame_equal(found, FRAME[3 * GROUP : 4 * GROUP].reset_index(drop=True))
    assert fetched(server) < len(parquet) / 4


def test_pyarrow_reads_one_column_of_one_row_group(server: MockServer, parquet: bytes) -> None:
    with fsspec.filesystem("vantage").open("/datasets/a.parquet") as file:
        found = pq.ParquetFile(file).read_row_group(5, columns=["h"])
    assert found.column("h").to_pylist() == list(FRAME["h"][5 * GROUP : 6 * GROUP])
    assert fetched(server) < len(parquet) / 20  # it has a sixty-fourth of them


def test_what_is_written_is_what_is_read(server: MockServer) -> None:
    few = FRAME[:1000]
    few.to_parquet("vantage://out/few.parquet", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(server.storage.read("/out/few.parquet"))), few)
    for name in ("few.csv", "few.csv.gz"):
        few.to_csv(f"vantage://out/{name}", index=False)
        pd.testing.assert_frame_equal(pd.read_csv(f"vantage://out/{name}"), few)
    assert server.storage.read("/out/few.csv").startswith(b"a,b,c,d,e,f,g,h\n0,1,2,")
    assert sorted(server.storage.files()) == [
        "/datasets/a.parquet",
        "/out/few.csv",
        "/out/few.csv.gz",
        "/out/few.parquet",
    ]


def test_a_missing_table_is_a_missing_file(server: MockServer) -> None:
    for read, name in ((pd.read_parquet, "no.parquet"), (pd.read_csv, "no.csv")):
        with pytest.raises(FileNotFoundError):
            read(f"vantage://out/{name}")
