"""Running workflows, and reading what they left behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from typing_extensions import Unpack

from vantage_sdk.core.arguments import Id, id_text
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, Sync, method, opening, stream
from vantage_sdk.models.envelope import enveloped
from vantage_sdk.models.workflow_result import ResultPage, Row, WorkflowValidation
from vantage_sdk.workflows.paging import numbers
from vantage_sdk.workflows.result import WorkflowResult, run_workflow
from vantage_sdk.workflows.walking import request_of, walk_pages


class Execute(Protocol):
    """What ``execute`` of a blocking client takes and returns."""

    def __call__(
        self,
        workflow_id: Id,
        *,
        params: Mapping[str, Any] | None = None,
        raise_on_failure: bool = True,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> WorkflowResult[Sync]: ...


class AsyncExecute(Protocol):
    """What ``execute`` of an asynchronous client takes and returns."""

    def __call__(
        self,
        workflow_id: Id,
        *,
        params: Mapping[str, Any] | None = None,
        raise_on_failure: bool = True,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Coroutine[Any, Any, WorkflowResult[Async]]: ...


class WorkflowExecution(Resource[Mode]):
    """The part of ``workflows`` that runs and checks them and reads results."""

    @opening[Execute, AsyncExecute]
    async def execute(
        self: WorkflowExecution[Async],
        workflow_id: Id,
        *,
        params: Mapping[str, Any] | None = None,
        raise_on_failure: bool = True,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Run a workflow, wait until it has ended, and return its ``WorkflowResult``.

        ``params``: handed to the input nodes of the workflow; ``raise_on_failure``: raise ``WorkflowFailedError`` if the run
        fails, default; ``idempotency_key``: yours instead of a new one, at most 255 printable ASCII characters: with the same
        key a server that honours it does not run the workflow again.  There is no ``timeout`` unless you give one.

        A retry never runs it a second time.  Raises ``SubmitOutcomeUnknown`` if the connection failed and it may have run,
        ``ResourceNotFoundError`` if there is no such workflow, ``ValidationError`` if it cannot run as it is: see ``validate``.
        """
        return await run_workflow(
            self._sender,
            workflow_id,
            None if params is None else params,
            options,
            raise_on_failure=raise_on_failure,
            idempotency_key=idempotency_key,
        )

    @method
    async def validate(
        self: WorkflowExecution[Async], workflow_id: Id, **options: Unpack[CallOptions]
    ) -> WorkflowValidation:
        """Check a workflow without running it; the answer is true if it is valid, else ``errors`` says what is wrong.

        Raises ``ResourceNotFoundError`` if there is no such workflow.
        """
        values = {"workflow_id": id_text(workflow_id, "workflow_id")}
        decode = enveloped(WorkflowValidation)
        return await self._send(Request("POST", "/workflows/{workflow_id}/validate", decode, values), options)

    @method
    async def results(
        self: WorkflowExecution[Async],
        workflow_id: Id,
        result_id: str,
        *,
        page: int | None = None,
        limit: int | None = None,
        **options: Unpack[CallOptions],
    ) -> ResultPage:
        """Fetch one page of the stored rows of a run.

        ``result_id``: of a ``WorkflowResult`` of that workflow; ``page``: its number, counted from 0; ``limit``: page size,
        default 100, at most 1000.  Returns a ``ResultPage``, itself a sequence of rows.  Raises ``DataExpiredError`` if the rows
        are gone.
        """
        return await self._send(request_of(workflow_id, result_id, numbers(limit, page)), options)

    @stream
    async def iter_pages(
        self: WorkflowExecution[Async],
        workflow_id: Id,
        result_id: str,
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[ResultPage], None]:
        """Yield every page of the stored rows of a run.

        ``result_id``: as for ``results``; ``page_size``: rows a page, default and at most 1000; ``prefetch``: 1 fetches the next
        page while you work on this one.  Raises ``DataExpiredError`` if the rows are gone, ``VantageAPIError`` with code
        ``incomplete_result`` if the pages end before all rows were there.
        """
        pages = walk_pages(self._sender, options, workflow_id, result_id, page_size=page_size, prefetch=prefetch)
        async with aclosing(pages) as walked:
            async for batch in walked:
                yield batch

    @stream
    async def iter_rows(
        self: WorkflowExecution[Async],
        workflow_id: Id,
        result_id: str,
        *,
        page_size: int | None = None,
        prefetch: int = 0,
        **options: Unpack[CallOptions],
    ) -> AsyncGenerator[Sequence[Row], None]:
        """Yield every stored row of a run as a mapping; parameters and errors as ``iter_pages``."""
        pages = self.iter_pages(workflow_id, result_id, page_size=page_size, prefetch=prefetch, **options)
        async with pages:
            async for page in pages:
                yield page.rows
