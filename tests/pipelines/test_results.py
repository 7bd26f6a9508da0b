"""Rows of past runs, on disk."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server.pipelines.errors import GoneError
from mock_server.pipelines.results import GROUP, Results
from mock_server.pipelines.table import Table
from tests.pipelines.graphs import OUTPUT, chain, ran

ROWS: list[dict[str, Any]] = [
    {
        "n": i,
        "f": i / 4,
        "t": f"row {i}",
        "yes": i % 2 == 0,
        "d": "2024-01-02",
        "at": "2024-01-02T03:04:05.678Z",
        "none": None,
    }
    for i in range(250)
]
TABLE = Table.of(ROWS, {"d": "date", "at": "datetime"})


class Clock:
    def __init__(self) -> None:
        self.time = 1_714_392_000.25

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def results(tmp_path: Path, clock: Clock) -> Iterator[Results]:
    stored = Results(tmp_path / "results", clock, 3600.0)
    yield stored
    stored.close()


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "results").iterdir())


def test_pages_are_the_rows(results: Results) -> None:
    result = results.save(42, TABLE)
    assert (result.workflow_id, result.total_rows) == (42, 250)
    assert result.schema == {
        "n": "number",
        "f": "number",
        "t": "string",
        "yes": "boolean",
        "d": "date",
        "at": "datetime",
        "none": "string",
    }
    pages = [results.page(result, start, 100) for start in range(0, 400, 100)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [row for page in pages for row in page] == ROWS == TABLE.rows()
    assert json.loads(json.dumps(pages[0])) == ROWS[:100]


def test_pages_meet_where_groups_of_rows_do(results: Results) -> None:
    table = Table.of([{"n": i} for i in range(2 * GROUP + 10)])
    result = results.save(1, table)
    for start in (0, GROUP - 1, GROUP, 2 * GROUP - 3, 2 * GROUP + 9):
        assert results.page(result, start, 5) == table.rows(start, 5)


def test_ids_are_as_documented_and_their_own(results: Results) -> None:
    first, second, other = results.save(42, TABLE), results.save(42, TABLE), results.save(43, TABLE)
    assert re.fullmatch(r"dataRef:wf42_1714392000_[0-9a-f]{6}", first.id)
    assert len({first.id, second.id, other.id}) == 3
    assert other.id.startswith("dataRef:wf43_")


def test_ids_are_the_same_on_every_run(tmp_path: Path, results: Results, clock: Clock) -> None:
    again = Results(tmp_path / "again", clock, 3600.0)
    assert [results.save(1, TABLE).id for _ in range(3)] == [again.save(1, TABLE).id for _ in range(3)]
    again.close()


def test_a_result_can_have_a_known_id(results: Results) -> None:
    results.save(42, TABLE, result_id="dataRef:wf42_abc123")
    result = results.save(42, Table.of([{"x": 1}]), result_id="dataRef:wf42_abc123")
    assert results.get("dataRef:wf42_abc123") == result
    assert results.page(result, 0, 10) == [{"x": 1}]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", ".", "..", "a\0b", "\ud800", "x" * 5000, "*"])
def test_an_id_never_leads_out_of_the_directory(tmp_path: Path, results: Results, name: str) -> None:
    assert results.get(name) is None
    result = results.save(1, TABLE, result_id=name)
    assert results.page(result, 3, 1) == ROWS[3:4] if name else True
    assert [re.fullmatch(r"result-[0-9a-f]{32}\.parquet", one) is not None for one in files(tmp_path)] == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_result_expires_on_the_clock_and_its_file_goes(tmp_path: Path, results: Results, clock: Clock) -> None:
    result = results.save(1, TABLE)
    assert (result.created_at, result.expires_at) == (clock.time, clock.time + 3600)
    clock.time += 3599.9
    assert results.get(result.id) == result
    later = results.save(1, TABLE)
    clock.time += 0.1
    assert results.get(result.id) is None
    assert results.get(later.id) == later
    assert len(files(tmp_path)) == 1
    with pytest.raises(GoneError, match="has expired"):
        results.page(result, 0, 1)


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path, clock: Clock) -> None:
    table = Table.of([{"t": f"{i * 7919 % 100_003}-{i}"} for i in range(5_000)])
    results = Results(tmp_path / "results", clock, 3600.0, max_bytes=10**9)
    one = results.save(1, table).size
    results.close()
    results = Results(tmp_path / "results", clock, 3600.0, max_bytes=int(one * 2.5))
    saved = [results.save(1, table) for _ in range(4)]
    assert [results.get(result.id) is not None for result in saved] == [False, False, True, True]
    assert len(files(tmp_path)) == 2
    alone = Results(tmp_path / "alone", clock, 3600.0, max_bytes=1)
    latest = alone.save(1, table)
    assert alone.get(latest.id) == latest
    alone.close()
    results.close()


def test_nothing_is_left_behind(tmp_path: Path, clock: Clock) -> None:
    temporary = Results(None, clock, 3600.0)
    temporary.save(1, TABLE)
    directory = temporary._directory
    assert len(list(directory.iterdir())) == 1
    temporary.close()
    temporary.close()
    assert not directory.exists()
    (tmp_path / "results").mkdir()
    for name in ("result-0.parquet", "result-1.part", "mine.parquet", "note.txt"):
        (tmp_path / "results" / name).write_text("x")
    results = Results(tmp_path / "results", clock, 3600.0)
    assert files(tmp_path) == ["mine.parquet", "note.txt"]
    results.save(1, TABLE)
    results.close()
    assert files(tmp_path) == ["mine.parquet", "note.txt"]


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> None:
        raise OSError("No space left on device")

    kept = results.save(1, TABLE, result_id="kept")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        results.save(1, TABLE, result_id="kept")
    assert results.get("kept") == kept
    assert results.page(kept, 0, 1) == ROWS[:1]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("records", [[], [{"x": None}], [{"a b": "\0", "ü": "é\n"}], [{"n": 2**62}]])
def test_odd_tables(results: Results, records: list[dict[str, Any]]) -> None:
    result = results.save(1, Table.of(records))
    assert results.page(result, 0, 10) == records
    assert result.total_rows == len(records)


def test_a_run_of_no_rows_keeps_its_columns(results: Results) -> None:
    table = ran(chain(("stripe/listCharges", {"limit": 0}), OUTPUT)).table
    assert table is not None
    result = results.save(1, table)
    assert (result.total_rows, results.page(result, 0, 5)) == (0, [])
    assert result.schema["charge_id"] == "string"


def test_any_thread_may_save_and_read(results: Results) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(5):
                result = results.save(number, Table.of([{"n": number, "i": i}]))
                assert results.get(result.id) == result
                assert results.page(result, 0, 5) == [{"n": number, "i": i}]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(results._results) == 30
