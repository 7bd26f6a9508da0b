"""The stored rows of a run, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.arguments import Id, id_text
from vantage_sdk.core.request import Request
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.core.urls import link_below
from vantage_sdk.exceptions import VantageAPIError
from vantage_sdk.models.envelope import enveloped
from vantage_sdk.models.workflow_result import ResultPage

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender

LARGEST_PAGE = 1000
PATH = "/workflows/{workflow_id}/data/{result_id}"


def request_of(workflow_id: Id, result_id: str, query: Mapping[str, Any]) -> Request[ResultPage]:
    """Return the request for one page of stored rows."""
    values = {"workflow_id": id_text(workflow_id, "workflow_id"), "result_id": result_id}
    return Request("GET", PATH, enveloped(ResultPage), values, query)


async def walk_pages(
    sender: Sender,
    options: Mapping[str, Any],
    workflow_id: Id,
    result_id: str,
    *,
    page_size: int | None = None,
    prefetch: int = 0,
) -> AsyncGenerator[Sequence[ResultPage], None]:
    """Yield pages one by one, the next one on its way while the caller works on this one if ``prefetch`` is 1.

    Raises ``VantageAPIError`` with code ``pagination_cycle`` if the pages lead in a circle, and with ``incomplete_result`` if they
    end before all rows were there.
    """
    size = LARGEST_PAGE if page_size is None else page_size
    if not is_whole(size, 1):
        raise ValueError(f"page_size is a number from 1, not {size!r}")
    if prefetch not in (0, 1):
        raise ValueError(f"prefetch is 0 or 1, not {prefetch!r}")

    async def fetch(request: Request[ResultPage]) -> ResultPage:
        return sender.decode(request, await sender.fetch(request, options))

    asked, rows = set[str](), 0
    request = request_of(workflow_id, result_id, {"page": 0, "limit": size})
    page = await fetch(request)
    number = 0
    while True:
        rows += len(page)
        following = None
        if page and _goes_on(page, rows):
            number += 1
            query = {"page": number, "limit": size}
            link = link_below(page.next_page_url, sender.config.base_url)
            if link in asked:
                raise VantageAPIError("the pages lead back to one that was there already", code="pagination_cycle")
            asked.add(link or "")
            following = (
                Request("GET", link, enveloped(ResultPage)) if link else request_of(workflow_id, result_id, query)
            )
        ahead = sender.io.start(partial(fetch, following)) if prefetch and following is not None else None
        try:
            yield [page]
        except BaseException:
            if ahead is not None:
                ahead.abandon()
            raise
        if following is None:
            _complete(page, rows)
            return
        page = await (fetch(following) if ahead is None else ahead.result())


def _goes_on(page: ResultPage, rows: int) -> bool:
    if page.has_more is not None:
        return page.has_more is True
    return bool(page.next_page_url) or (is_whole(page.total_rows, 0) and rows < (page.total_rows or 0))


def _complete(page: ResultPage, rows: int) -> None:
    if is_whole(page.total_rows, 0) and rows < (page.total_rows or 0):
        raise VantageAPIError(
            f"the server says that there are {page.total_rows} rows, but its pages end after {rows}",
            code="incomplete_result",
        )
