"""What running and checking a workflow gives."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, SkipValidation

from vantage_sdk.models.base import Model
from vantage_sdk.models.envelope import Enveloped

Row = dict[str, Any]

with warnings.catch_warnings():  # `schema` is the documented name; that it hides a deprecated method is no matter
    warnings.simplefilter("ignore", UserWarning)

    class Rows(Enveloped):
        """Rows of a result, and the kind of each column: ``string``, ``number``, ``boolean``, ``date`` and others."""

        rows: list[Annotated[Row, SkipValidation]] = Field(default_factory=list[Row])
        total_rows: int | None = None
        schema: dict[str, str] = Field(default_factory=dict[str, str])  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]


class ResultPage(Rows):
    """One page of the stored rows of a run, itself a sequence of them; ``page`` counts from 0."""

    page: int | None = None
    limit: int | None = None
    has_more: bool | None = None
    next_page_url: str | None = None

    def __iter__(self) -> Iterator[Row]:  # type: ignore[override]
        return iter(self.rows or [])

    def __len__(self) -> int:
        return len(self.rows or [])

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]


class Execution(Rows):
    """What the server says of a run; ``error`` is there if it failed."""

    workflow_id: int | None = None
    status: str | None = None
    execution_time_ms: float | None = None
    result_id: str | None = None
    error: str | None = None

    def _repr_html_(self) -> str:
        from vantage_sdk.notebook import table

        rows, schema = self.rows or [], self.schema or {}
        names = list(schema) or list(dict.fromkeys(name for row in rows for name in row))
        caption = f"workflow {self.workflow_id}, {self.status}: {self.total_rows} rows"
        return table(caption, names, [[row.get(name) for name in names] for row in rows], self.total_rows)


class WorkflowProblem(Model):
    """A fault in a workflow, ``node_id`` being ``None`` where it concerns no single node."""

    node_id: int | None = None
    message: str = ""


class WorkflowValidation(Enveloped):
    """What checking a workflow found; true if it is valid."""

    valid: bool
    errors: list[WorkflowProblem] = Field(default_factory=list[WorkflowProblem])
    warnings: list[Any] = Field(default_factory=list[Any])

    def __bool__(self) -> bool:
        return self.valid is True
