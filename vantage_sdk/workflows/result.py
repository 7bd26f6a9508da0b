"""What a run of a workflow gave: its first rows, and the way to all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id, id_text
from vantage_sdk.core.extras import installed
from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, Resource, Sync, method, opening, stream
from vantage_sdk.core.shapes import as_object, is_whole
from vantage_sdk.exceptions import DataExpiredError, WorkflowFailedError
from vantage_sdk.models.envelope import Meta, enveloped, with_meta
from vantage_sdk.models.phase import Phase, phase_of
from vantage_sdk.models.workflow_result import Execution, ResultPage, Row
from vantage_sdk.workflows import frames
from vantage_sdk.workflows.detached import DETACHED
from vantage_sdk.workflows.walking import walk_pages

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from vantage_sdk.core.sending import Sender


class Again(Protocol):
    """What ``again`` of a blocking client takes and returns."""

    def __call__(self, **options: Unpack[CallOptions]) -> WorkflowResult[Sync]: ...


class AsyncAgain(Protocol):
    """What ``again`` of an asynchronous client takes and returns."""

    def __call__(self, **options: Unpack[CallOptions]) -> Coroutine[Any, Any, WorkflowResult[Async]]: ...


class WorkflowResult(Resource[Mode]):
    """The result of a run.  ``rows`` are the first ones; the methods fetch all of them, and are awaited behind an asynchronous client.

    Equal results have the same content.  A result can be pickled; its copy has no client, so it knows only the first rows.
    """

    def __init__(
        self, sender: Sender, mode: type[Mode], execution: Execution, workflow_id: Id, params: Mapping[str, Any] | None
    ) -> None:
        self._sender = sender
        self._mode = mode
        self._execution = execution
        self._workflow_id = workflow_id
        self._params = params
        self._core = self if mode is Async else WorkflowResult(sender, Async, execution, workflow_id, params)

    @property
    def rows(self) -> list[Row]:
        """Return the rows that came with the answer: all of them, or the first 100."""
        return self._execution.rows or []

    @property
    def total_rows(self) -> int | None:
        """Return how many rows there are in all."""
        return self._execution.total_rows

    @property
    def schema(self) -> dict[str, str]:
        """Return the kind of each column by its name: ``string``, ``number``, ``boolean``, ``date`` and others."""
        return self._execution.schema or {}

    @property
    def execution_time(self) -> timedelta | None:
        """Return how long the run took."""
        spent = self._execution.execution_time_ms
        return None if spent is None else timedelta(milliseconds=spent)

    @property
    def result_id(self) -> str | None:
        """Return the id under which the rows are stored for a while, for ``workflows.results``."""
        return self._execution.result_id

    @property
    def workflow_id(self) -> Id:
        """Return the id of the workflow that ran."""
        return self._workflow_id

    @property
    def status(self) -> str | None:
        """Return the server's word for how the run ended: ``completed`` or ``failed``."""
        return self._execution.status

    @property
    def succeeded(self) -> bool:
        """Tell whether the run ended well."""
        return phase_of(self.status) is Phase.SUCCEEDED

    @property
    def error(self) -> str | None:
        """Return what a failed run says."""
        return self._execution.error

    @property
    def meta(self) -> Meta:
        """Return ``request_id`` and ``timestamp`` of the answer."""
        return self._execution.meta

    @property
    def complete(self) -> bool:
        """Tell whether ``rows`` are all rows there are."""
        return self.result_id is None or (is_whole(self.total_rows, 0) and len(self.rows) == self.total_rows)

    def to_dict(self) -> dict[str, Any]:
        """Return what was received, unchanged."""
        return self._execution.to_dict()

    @stream
    async def iter_pages(
        self: WorkflowResult[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[ResultPage], None]:
        """Yield all rows page by page; if all came with the answer they are the one page, and nothing is fetched.

        Parameters and errors as ``workflows.iter_pages``; after ``DataExpiredError`` ``again()`` runs the workflow once more.
        """
        if self.complete:
            yield [self._only_page()]
            return
        pages = walk_pages(
            self._sender, options, self.workflow_id, self.result_id or "", page_size=page_size, prefetch=prefetch
        )
        try:
            async with aclosing(pages) as walked:
                async for batch in walked:
                    yield batch
        except DataExpiredError as error:
            error.add_note("result.again() runs the workflow once more with the same parameters")
            raise

    @stream
    async def iter_rows(
        self: WorkflowResult[Async],
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[Row], None]:
        """Yield all rows as mappings; parameters and errors as ``iter_pages``."""
        pages = self.iter_pages(page_size=page_size, prefetch=prefetch, **options)
        async with pages:
            async for page in pages:
                yield page.rows

    @method
    async def to_dicts(self: WorkflowResult[Async], **options: Unpack[CallOptions]) -> list[Row]:
        """Fetch all rows and return them as they came, a mapping each; errors as ``iter_pages``."""
        return [row async for row in self.iter_rows(prefetch=1, **options)]

    @method
    async def to_pandas(self: WorkflowResult[Async], **options: Unpack[CallOptions]) -> pd.DataFrame:
        """Fetch all rows as a pandas ``DataFrame`` with the types of ``schema``; needs the extra ``pandas``."""
        installed("pandas", "to_pandas()", "pandas")
        return await self._framed(frames.to_pandas, options)

    @method
    async def to_polars(self: WorkflowResult[Async], **options: Unpack[CallOptions]) -> pl.DataFrame:
        """Fetch all rows as a polars ``DataFrame`` with the types of ``schema``; needs the extra ``polars``."""
        installed("polars", "to_polars()", "polars")
        frame: pl.DataFrame = await self._framed(frames.to_polars, options)
        return frame

    @method
    async def to_arrow(  # pyright: ignore[reportUnknownParameterType]
        self: WorkflowResult[Async], **options: Unpack[CallOptions]
    ) -> pa.Table:  # pyright: ignore[reportUnknownMemberType]
        """Fetch all rows as an Arrow ``Table`` with the types of ``schema``; needs the extra ``arrow``."""
        installed("pyarrow", "to_arrow()", "arrow")
        return await self._framed(frames.to_arrow, options)

    async def _framed(self: WorkflowResult[Async], build: Any, options: CallOptions) -> Any:
        rows = [row async for row in self.iter_rows(prefetch=1, **options)]
        return await self._sender.io.work(partial(build, rows, self.schema))

    @opening[Again, AsyncAgain]
    async def again(self: WorkflowResult[Async], **options: Unpack[CallOptions]) -> Any:
        """Run the workflow once more with the same parameters, as ``workflows.execute`` does, and return the new result."""
        return await run_workflow(self._sender, self._workflow_id, self._params, options)

    def _only_page(self) -> ResultPage:
        received = {"rows": self.rows, "total_rows": self.total_rows, "schema": self.schema, "page": 0}
        page = ResultPage.from_dict({**received, "limit": len(self.rows), "has_more": False, "next_page_url": None})
        return with_meta(page, self.meta)

    def __eq__(self, other: object) -> bool:
        return self._execution == other._execution if isinstance(other, WorkflowResult) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return WorkflowResult, (DETACHED, self._mode, self._execution, self._workflow_id, self._params)

    def __copy__(self) -> WorkflowResult[Mode]:
        return self

    def __deepcopy__(self, memo: Any) -> WorkflowResult[Mode]:
        execution = deepcopy(self._execution, memo)
        return WorkflowResult(self._sender, self._mode, execution, self._workflow_id, self._params)

    def __repr__(self) -> str:
        return f"<WorkflowResult of workflow {self.workflow_id}: {self.status}, {self.total_rows} rows>"

    def _repr_html_(self) -> str:
        return self._execution._repr_html_()


async def run_workflow(
    sender: Sender,
    workflow_id: Id,
    params: Mapping[str, Any] | None,
    options: CallOptions,
    *,
    raise_on_failure: bool = True,
    idempotency_key: str | None = None,
) -> Any:
    """Run a workflow and return its result in the face of the client."""
    if params is not None and as_object(params) is None:
        raise TypeError(f"params takes a mapping, not {type(params).__name__}")
    request = Request(
        "POST",
        "/workflows/{workflow_id}/execute",
        enveloped(Execution),
        {"workflow_id": id_text(workflow_id, "workflow_id")},
        json=None if params is None else {"params": dict(params)},
        safety=Safety.KEYED,
        idempotency_key=idempotency_key,
    )
    kept = deepcopy(params)
    execution = sender.decode(request, await sender.fetch(request, {"timeout": None, **options}))
    mode: type[Any] = Async if sender.io.suspends else Sync
    result: WorkflowResult[Any] = WorkflowResult(sender, mode, execution, workflow_id, kept)
    if raise_on_failure and phase_of(result.status) is Phase.FAILED:
        raise WorkflowFailedError(f"workflow {workflow_id} failed: {result.error or 'no reason given'}", result=result)
    return result
