"""One action on many jobs, with an outcome for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from mock_server.cluster.backend import ClusterBackend, ClusterError, NotFoundError, UnavailableError
from mock_server.routes import Call, Routes
from mock_server.s9s import job_actions
from mock_server.s9s.fields import JobId, Priority, Reason
from mock_server.s9s.job_requests import Signal
from mock_server.validation import Maybe, StrictBody

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AT_ONCE = 25
"""On how many jobs is acted together: a real cluster takes its time for each."""

Action = Literal["cancel", "hold", "release", "priority"]

DONE: dict[Action, str] = {
    "cancel": "Job cancelled",
    "hold": "Job held",
    "release": "Job released",
    "priority": "Job priority updated",
}

routes = Routes("jobs", prefix="/v1")


class BulkOptions(StrictBody):
    """How to act: signal and force of a cancellation, the reason of a cancellation or hold, the new priority."""

    force: bool = False
    signal: Signal = "SIGTERM"
    reason: Maybe[Reason] = None
    priority: Maybe[Priority] = None


class BulkRequest(StrictBody):
    """What to do, and to which jobs."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"action": {"const": "priority"}}},
            "then": {
                "required": ["options"],
                "properties": {"options": {"type": "object", "required": ["priority"]}},
            },
        }
    )

    action: Action
    job_ids: Annotated[list[JobId], Field(min_length=1, max_length=10_000)]
    options: BulkOptions = Field(default_factory=BulkOptions)

    @model_validator(mode="after")
    def _has_a_priority(self) -> BulkRequest:
        if self.action == "priority" and self.options.priority is None:
            raise PydanticCustomError("missing_priority", "options.priority is required")
        return self


class BulkResult(TypedDict):
    """What became of one job."""

    job_id: str
    status: Literal["success", "error"]
    message: str


class BulkSummary(TypedDict):
    """How many jobs went which way."""

    total: int
    successful: int
    failed: int


class BulkReply(TypedDict):
    """The outcomes in the order of the request."""

    batch_id: str
    results: list[BulkResult]
    summary: BulkSummary


@routes.post("/jobs/bulk", conflicts=True)
async def bulk(call: Call[None, BulkRequest]) -> BulkReply:
    """Act on many jobs."""
    results = list[BulkResult]()
    for job_ids in _groups(call.body.job_ids):
        acts = (_act(call.state.cluster, call.body, job_id) for job_id in job_ids)
        for outcome in await asyncio.gather(*acts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
    successful = sum(result["status"] == "success" for result in results)
    return {
        "batch_id": call.state.next_id("batch"),
        "results": results,
        "summary": {"total": len(results), "successful": successful, "failed": len(results) - successful},
    }


def _groups(job_ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield ids that can be acted on together: none of a group is there twice."""
    group = list[str]()
    for job_id in job_ids:
        if len(group) == AT_ONCE or job_id in group:
            yield group
            group = []
        group.append(job_id)
    yield group


async def _act(cluster: ClusterBackend, request: BulkRequest, job_id: str) -> BulkResult:
    message = DONE[request.action]
    try:
        if not await _apply(cluster, request, job_id):
            message = job_actions.ENDED["CANCELLED"]
    except NotFoundError:
        return {"job_id": job_id, "status": "error", "message": "Invalid job id specified"}
    except UnavailableError:
        raise
    except ClusterError as error:
        return {"job_id": job_id, "status": "error", "message": str(error)}
    return {"job_id": job_id, "status": "success", "message": message}


async def _apply(cluster: ClusterBackend, request: BulkRequest, job_id: str) -> bool:
    """Do it; ``False`` if it was done before."""
    jobs, options = job_actions.find(cluster, job_id), request.options
    if request.action == "cancel":
        return await job_actions.cancel(
            cluster, jobs, signal=options.signal, force=options.force, reason=options.reason
        )
    if request.action == "hold":
        await job_actions.hold(cluster, jobs, options.reason)
    elif request.action == "release":
        await job_actions.release(cluster, jobs)
    elif options.priority is not None:
        await job_actions.set_priority(cluster, jobs, options.priority)
    return True
