"""Rows of a database or a spreadsheet, as many as a config asks for."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Name
from mock_server.pipelines.node_type import Category, Step
from mock_server.pipelines.sources.draws import Draws
from mock_server.pipelines.sources.getters import getter
from mock_server.pipelines.sources.reading import Reading, Wanted, entities, moments
from mock_server.pipelines.table import MAX_ROWS

DATABASE = Category(3, "Database")
SHEETS = Category(7, "Google Sheets")
_OLDEST = 1_640_995_200  # 2022-01-01


class Query(Reading):
    """Read a table of ``rows`` rows; each table has other values in the same columns."""

    table: Name = "orders"
    rows: Annotated[int, Field(ge=0, le=MAX_ROWS)] = 1000
    region: Wanted = None
    category: Wanted = None


class Sheet(Reading):
    """Read a sheet."""

    spreadsheet_id: Name
    sheet: Name = "Sheet1"
    region: Wanted = None


def _order(draws: Draws) -> dict[str, pl.Series]:
    created = _OLDEST + draws.below("created", 63_072_000)
    return {
        "id": draws.numbers.cast(pl.Int64) + 1,
        "user_id": draws.below("user", 5_000) + 1,
        "category": draws.choice("category", "books", "games", "music", "tools"),
        "region": draws.sometimes("located", 95, draws.choice("region", "north", "south", "east", "west")),
        "quantity": draws.between("quantity", 1, 9),
        "price": draws.between("price", 100, 20_000) / 100,
        "discount": draws.sometimes("discounted", 30, draws.between("discount", 5, 50)),
        "active": draws.flags("active", 60),
        "order_date": moments(created).cast(pl.Date),
        "created": moments(created),
    }


def _goal(draws: Draws) -> dict[str, pl.Series]:
    return {
        "row": draws.numbers.cast(pl.Int64) + 2,  # below the head
        "region": draws.choice("region", "north", "south", "east", "west"),
        "month": draws.between("month", 1, 12),
        "goal": draws.between("goal", 10, 99) * 1000,
        "actual": draws.sometimes("known", 80, draws.between("actual", 5_000, 120_000)),
        "note": draws.sometimes("noted", 20, draws.choice("note", "estimate", "final")),
    }


def query(step: Step[Query]) -> pl.DataFrame:
    """Read a table, as much of it as is wanted."""
    config = step.config
    plain = config.limit is not None and config.region is None and config.category is None
    count = min(config.rows, config.limit or 0) if plain else config.rows
    return entities(step, f"database.{config.table}", count, _order)


def read_sheet(step: Step[Sheet]) -> pl.DataFrame:
    return entities(step, f"sheets.{step.config.spreadsheet_id}/{step.config.sheet}", 48, _goal)


_database = partial(getter, DATABASE, "database")

NODE_TYPES = (
    _database("query", "Query Table", "the rows of a database table", Query, query),
    getter(SHEETS, "googlesheets", "readRows", "Read Rows", "the rows of a sheet", Sheet, read_sheet),
)
