"""Which jobs a list shows, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from mock_server.s9s.fields import any_case, upper
from mock_server.s9s.jobs_seen import cpus_of, elapsed
from mock_server.s9s.states import JobWord, in_state, job_word
from mock_server.validation import QueryCount, QueryNumber, StrictQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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

    def select(self, jobs: Iterable[Job], people: People, now: float) -> list[Job]:
        """Return the jobs that pass, in order; ``jobs`` come oldest first, and equals stay in the order of submission."""
        chosen = self._filtered(jobs, people)
        if self.sort != "submit_time":
            return self._sorted(chosen, _key(self.sort, people, now))
        if self.order == "desc":
            chosen.reverse()
        return chosen

    def cut(self, jobs: list[Job]) -> list[Job]:
        return jobs[self.offset : self.offset + self.size]

    def _filtered(self, jobs: Iterable[Job], people: People) -> list[Job]:
        if self.user is not None:
            owners = people.ids(self.user)
            jobs = (job for job in jobs if job.request.user_id in owners)
        if self.partition is not None:
            jobs = (job for job in jobs if job.partition == self.partition)
        if self.state is not None:
            jobs = filter(in_state(self.state), jobs)
        return list(jobs)

    def _sorted(self, jobs: list[Job], key: Callable[[Job], Any]) -> list[Job]:
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
