"""Waiting as a function, for either kind of client."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from vantage_sdk.client import AsyncVantageClient, VantageClient
    from vantage_sdk.core.deadline import Seconds
    from vantage_sdk.models.job import Job


@overload
def wait_for_completion(
    client: VantageClient, job_id: str, *, timeout: Seconds | None = None, poll_interval: Seconds = 1.0
) -> Job: ...
@overload
def wait_for_completion(
    client: AsyncVantageClient, job_id: str, *, timeout: Seconds | None = None, poll_interval: Seconds = 1.0
) -> Coroutine[Any, Any, Job]: ...
def wait_for_completion(
    client: VantageClient | AsyncVantageClient,
    job_id: str,
    *,
    timeout: Seconds | None = None,
    poll_interval: Seconds = 1.0,
) -> Job | Coroutine[Any, Any, Job]:
    """Wait until a job has ended and return it whatever its end; awaitable with an asynchronous client.

    ``timeout``: seconds to wait, default without limit; ``poll_interval``: seconds between the first looks, default 1.
    Raises ``DeadlineExceeded`` when the time is over; the job goes on.
    """
    return client.jobs.wait(job_id, timeout=timeout, poll_interval=poll_interval)
