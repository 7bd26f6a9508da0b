"""What jobs made of what they were given."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal, NotRequired, cast

from pydantic import BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from mock_server.cluster.backend import Measure
from mock_server.figures import check_measured, only
from mock_server.routes import Call, Routes
from mock_server.s9s.durations import PATTERN, clock_text
from mock_server.s9s.fields import parsed_duration
from mock_server.s9s.jobs_seen import cpus_of, efficiency, gpus_of, memory_of
from mock_server.s9s.people import People
from mock_server.s9s.slices import in_slices
from mock_server.validation import QueryCount, QueryNumber, StrictQuery

if TYPE_CHECKING:
    from mock_server.cluster.job import Job

MAX_LIMIT = 1_000
Figure = Literal["cpu_efficiency", "memory_efficiency", "gpu_utilization"]

RATIOS = {"cpu_efficiency": cpus_of, "memory_efficiency": memory_of, "gpu_utilization": gpus_of}
"""Each ratio, and what a job must have been given to have one."""

MEASURES = {"gpu_utilization": Measure.GPU}
"""What the ratios stand for that not every backend watches."""

routes = Routes("metrics", prefix="/v1")


Shortest = Annotated[float, BeforeValidator(parsed_duration), WithJsonSchema({"type": "string", "pattern": PATTERN})]


class EfficiencyListing(StrictQuery):
    """Which jobs to look at."""

    user: str | None = Field(default=None, description="Only jobs of this user.")
    partition: str | None = Field(default=None, description="Only jobs in this partition.")
    min_runtime: Shortest | None = Field(
        default=None, description="Only jobs that ran so long, in any form of a duration."
    )
    limit: QueryNumber = Field(default=MAX_LIMIT, description="Most jobs to return; more than 1000 is taken as 1000.")
    offset: QueryCount = Field(default=0, description="Jobs to skip.")
    metrics: list[Figure] = Field(
        default=[],
        description="Only these ratios and their means; comma-joined or repeated, all by default.",
        json_schema_extra={"x-assumed": True},
    )


class EfficiencyJob(TypedDict):
    """How well one job used what it had, each as a fraction; null is what has not been measured.

    Without the ratios that were not chosen.
    """

    job_id: str
    user: str
    partition: str
    runtime: str
    cpu_efficiency: NotRequired[float | None]
    memory_efficiency: NotRequired[float | None]
    gpu_utilization: NotRequired[float | None]


class EfficiencyReply(TypedDict):
    """The newest jobs that ran, how many there are, and the means over all of them."""

    jobs: list[EfficiencyJob]
    total: int
    averages: dict[str, float]


@routes.get("/metrics/efficiency", refusals=(501,))
async def efficiency_(call: Call[EfficiencyListing, None]) -> EfficiencyReply:
    """Get job efficiency.

    A mean is over the jobs that were given some of the resource: one without GPUs does not use them badly.  Where
    nothing has been measured of those that were, there is no mean.  What the backend does not watch is null, and refused
    with 501 if it is asked for by name.
    """
    wanted, state = call.query, call.state
    check_measured(state.cluster, wanted.metrics, MEASURES)
    people, now = People(state.users), state.time.now()
    owners = None if wanted.user is None else people.ids(wanted.user)
    known, unknown, found = {name: list[float]() for name in RATIOS}, set[str](), list[EfficiencyJob]()
    async for job in in_slices(list(state.cluster.jobs.values())[::-1]):
        if owners is not None and job.request.user_id not in owners:
            continue
        if wanted.partition is not None and job.partition != wanted.partition:
            continue
        seconds = runtime(job, now)
        if seconds <= 0 or seconds < (wanted.min_runtime or 0.0):
            continue
        view = view_efficiency(job, people, now)
        found.append(view)
        for name, given in RATIOS.items():
            ratio = cast("float | None", view[name])  # type: ignore[literal-required]
            if given(job) and ratio is not None:
                known[name].append(ratio)
            elif given(job):
                unknown.add(name)
    page = list(islice(found, wanted.offset, wanted.offset + min(wanted.limit, MAX_LIMIT)))
    averages = {
        name: round(sum(ratios) / len(ratios), 4) if ratios else 0.0
        for name, ratios in known.items()
        if ratios or name not in unknown
    }
    return {
        "jobs": [only(job, wanted.metrics, RATIOS) for job in page],
        "total": len(found),
        "averages": only(averages, wanted.metrics, RATIOS),
    }


def runtime(job: Job, now: float) -> float:
    """Return the seconds that a job has run in all."""
    return sum(end - start for start, end in job.runs(now))


def view_efficiency(job: Job, people: People, now: float) -> EfficiencyJob:
    """Return how well a job used what it had."""
    used = efficiency(job, now)
    return {
        "job_id": job.id,
        "user": people.username(job.request.user_id),
        "partition": job.partition,
        "runtime": clock_text(runtime(job, now)),
        "cpu_efficiency": used["cpu_efficiency"],
        "memory_efficiency": used["memory_efficiency"],
        "gpu_utilization": used["gpu_utilization"],
    }
