"""Which jobs a list shows, and in which order."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from mock_server.s9s.fields import any_case, upper
from mock_server.s9s.jobs_seen import cpus_of, elapsed
from mock_server.s9s.states import JobWord, in_state, job_word
from mock_server.validation import QueryCount, QueryNumber, StrictQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Reversible

    from mock_server.cluster.job import Job
    from mock_server.s9s.people import People

MAX_LIMIT = 1_000

SortKey = Literal[
    "submit_time",
    "start_time",
    "end_time",
    "job_id",
    "job_name",
    "user",
    "account",
    "partition",
    "state",
    "priority",
    "qos",
    "elapsed_time",
    "time_limit",
    "node_count",
    "cpu_count",
]
State = Annotated[
    JobWord,
    BeforeValidator(upper),
    WithJsonSchema({"type": "string", "pattern": any_case(get_args(JobWord))}),
]


class JobListing(StrictQuery):
    """The parameters of a list of jobs."""

    state: State | None = Field(default=None, description="Only jobs in this state, whatever the case.")
    user: str | None = Field(default=None, description="Only jobs of this user.")
    partition: str | None = Field(default=None, description="Only jobs in this partition.")
    limit: QueryNumber = Field(default=100, description="Page size; more than 1000 is taken as 1000.")
    offset: QueryCount = Field(default=0, description="Jobs to skip.")
    sort: SortKey = Field(default="submit_time", description="Field to order by; jobs that lack it come last.")
    order: Literal["asc", "desc"] = Field(default="desc", description="Direction.")

    @property
    def size(self) -> int:
        return min(self.limit, MAX_LIMIT)

    def page(self, jobs: Collection[Job], people: People, now: float) -> tuple[list[Job], int]:
        """Return a page of the jobs that pass, and their number; ``jobs`` come oldest first, equals in the order of submission."""
        found = self._filtered(jobs, people) if self._narrows else jobs
        if self.sort != "submit_time":
            found = self._sorted(found, _key(self.sort, people, now))
        # Without a copy, because there may be very many jobs.
        backwards = self.sort == "submit_time" and self.order == "desc"
        ordered = reversed(cast("Reversible[Job]", found)) if backwards else iter(found)
        return list(islice(ordered, self.offset, self.offset + self.size)), len(found)

    @property
    def _narrows(self) -> bool:
        return (self.state, self.user, self.partition) != (None, None, None)

    def _filtered(self, jobs: Iterable[Job], people: People) -> list[Job]:
        if self.user is not None:
            owners = people.ids(self.user)
            jobs = (job for job in jobs if job.request.user_id in owners)
        if self.partition is not None:
            jobs = (job for job in jobs if job.partition == self.partition)
        if self.state is not None:
            jobs = filter(in_state(self.state), jobs)
        return list(jobs)

    def _sorted(self, jobs: Collection[Job], key: Callable[[Job], Any]) -> list[Job]:
        present = [job for job in jobs if key(job) is not None]
        absent = [job for job in jobs if key(job) is None] if len(present) < len(jobs) else []
        present.sort(key=key, reverse=self.order == "desc")
        return present + absent


def _key(name: str, people: People, now: float) -> Callable[[Job], Any]:
    """Return what a list is ordered by."""
    keys: dict[str, Callable[[Job], Any]] = {
        "start_time": lambda job: job.started_at,
        "end_time": lambda job: job.ended_at,
        "job_id": lambda job: (len(job.id), job.id),  # so that the numbers among them are in order
        "job_name": lambda job: job.name,
        "user": lambda job: people.username(job.request.user_id),
        "account": lambda job: job.account,
        "partition": lambda job: job.partition,
        "state": job_word,
        "priority": lambda job: job.priority,
        "qos": lambda job: job.qos,
        "elapsed_time": lambda job: elapsed(job, now),
        "time_limit": lambda job: job.time_limit,
        "node_count": lambda job: len(job.node_names) or job.request.nodes,
        "cpu_count": cpus_of,
    }
    return keys[name]
