"""Results as tables of pandas, polars and Arrow, typed by their schema."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tests.support.envelopes import Store, enveloped, run_of
from tests.support.faces import Face
from tests.support.scripted import Json, Request, ScriptedServer
from vantage_sdk.workflows import frames

SCHEMA = {
    "id": "string",
    "whole": "number",
    "amount": "number",
    "paid": "boolean",
    "at": "date",
    "what": "object",
    "mixed": "number",
    "late": "date",
    "none": "string",
}
ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "whole": 1,
        "amount": 1,
        "paid": True,
        "at": "2026-04-01",
        "what": {"a": 1},
        "mixed": 1,
        "late": "soon",
    },
    {
        "id": None,
        "whole": None,
        "amount": 2.5,
        "paid": None,
        "at": "2026-04-29T14:00:00.5+02:00",
        "what": [1],
        "mixed": "z",
    },
    {"id": "c", "whole": 3, "big": 2**70, "new": True},
]
NAMES = [*SCHEMA, "big", "new"]
TIMES = [datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 29, 12, 0, 0, 500_000, tzinfo=UTC), None]


def test_pandas_has_the_types_of_the_schema() -> None:
    frame = frames.to_pandas(ROWS, SCHEMA)
    assert [*frame.columns] == NAMES
    assert {name: str(frame[name].dtype) for name in NAMES} == {
        "id": "string",
        "whole": "Int64",
        "amount": "float64",
        "paid": "boolean",
        "at": "datetime64[us, UTC]",
        "what": "object",
        "mixed": "object",
        "late": "string",
        "none": "string",
        "big": "object",
        "new": "boolean",
    }
    assert frame["at"][1] == TIMES[1]
    assert frame["at"].isna().tolist() == [False, False, True]
    assert frame["what"][0] == {"a": 1}
    assert frame["big"][2] == 2**70
    whole = frames.to_pandas(ROWS[:1], SCHEMA)
    assert (str(whole["whole"].dtype), str(whole["paid"].dtype)) == ("int64", "bool")


def test_polars_and_arrow_have_the_types_of_the_schema() -> None:
    frame, table = frames.to_polars(ROWS, SCHEMA), frames.to_arrow(ROWS, SCHEMA)
    text, time = pl.String, pl.Datetime("us", "UTC")
    assert [*frame.schema.items()] == list(
        zip(
            NAMES,
            [text, pl.Int64, pl.Float64, pl.Boolean, time, text, text, text, text, text, pl.Boolean],
            strict=True,
        )
    )
    words = ["string", "int64", "double", "bool", "timestamp[us, tz=UTC]", *["string"] * 5, "bool"]
    assert [str(kind) for kind in table.schema.types] == words
    assert table.column_names == NAMES
    for values in (frame.to_dict(as_series=False), table.to_pydict()):
        assert values["at"] == TIMES
        assert values["amount"] == [1.0, 2.5, None]
        assert values["what"] == ['{"a": 1}', "[1]", None]
        assert values["mixed"] == ["1", "z", None]
        assert values["late"] == ["soon", None, None]
        assert values["big"] == [None, None, str(2**70)]


def test_a_result_without_rows_has_its_columns_all_the_same() -> None:
    names = [*SCHEMA]
    for frame in (frames.to_pandas([], SCHEMA), frames.to_polars([], SCHEMA)):
        assert (frame.shape, [*frame.columns]) == ((0, len(names)), names)
    assert frames.to_arrow([], SCHEMA).schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert str(frames.to_pandas([], SCHEMA)["amount"].dtype) == "float64"
    assert frames.to_pandas([], {}).shape == frames.to_polars([], {}).shape == (0, 0)


@pytest.mark.parametrize(
    ("word", "values", "kind"),
    [
        ("number", [1, 2**63 - 1], "integer"),
        ("number", [2**63], "other"),
        ("number", [1.5, 10**400], "other"),
        ("number", [True, 1], "other"),
        ("boolean", [0, 1], "integer"),
        ("string", [1.5], "float"),
        ("integer", [], "integer"),
        ("uuid", ["a"], "text"),
        ("date", ["0001-01-01T00:00:00+14:00"], "text"),
        ("datetime", ["2026-04-01T00:00:00Z"], "time"),
        ("date", [1], "integer"),
        (None, [None], "other"),
        ({"odd": 1}, [[]], "other"),
    ],
)
def test_a_column_has_the_kind_that_all_of_its_values_fit(word: Any, values: list[Any], kind: str) -> None:
    assert frames.columns([{"c": value} for value in values], {"c": word})[0].kind == kind


async def test_tables_have_all_rows_and_not_only_the_first(face: Face) -> None:
    rows = [{"n": number} for number in range(2345)]
    store = Store(rows)

    def answer(request: Request, connection: int) -> Json:
        if request.method == "POST":
            return enveloped(run_of(rows[:100], len(rows)))
        return store(request, connection)

    with ScriptedServer(answer) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42)
            frame, table, arrow = await result.to_pandas(), await result.to_polars(), await result.to_arrow()
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(table, pl.DataFrame)
    assert isinstance(arrow, pa.Table)
    assert frame["n"].tolist() == table["n"].to_list() == arrow["n"].to_pylist() == list(range(2345))


@pytest.mark.parametrize(
    ("library", "method", "extra"),
    [("pandas", "to_pandas", "pandas"), ("polars", "to_polars", "polars"), ("pyarrow", "to_arrow", "arrow")],
)
async def test_without_the_library_the_extra_is_named_before_rows_are_fetched(
    face: Face, library: str, method: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with ScriptedServer([enveloped(run_of([{"n": 1}], 5))]) as server:
        async with face.client(server.url) as client:
            result = await client.workflows.execute(42)
            with pytest.raises(ImportError, match=rf"{method}\(\) needs the extra: vantage-sdk\[{extra}\]"):
                await getattr(result, method)()
    assert len(server.requests) == 1
