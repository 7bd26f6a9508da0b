"""Polars, loaded when it is first used, so that a server starts without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polars import *  # noqa: F403 # pyright: ignore[reportWildcardImportFromLibrary]
else:

    def __getattr__(name: str) -> object:
        import polars as pl

        value = getattr(pl, name)
        globals()[name] = value
        return value
