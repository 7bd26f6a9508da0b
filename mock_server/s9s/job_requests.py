"""What callers send about jobs."""

from __future__ import annotations

import posixpath
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mock_server.cluster.job import Dependency, JobRequest, Resources
from mock_server.s9s.fields import (
    ArrayText,
    Count,
    Duration,
    JobId,
    Memory,
    Name,
    PathText,
    Positive,
    Priority,
    Reason,
    parse_array,
)
from mock_server.validation import Maybe, QueryBool, QueryCount, QueryNumber, StrictBody, StrictQuery
from mock_server.wire import memory_bytes

DEFAULT_MEMORY = "1GB"
ARRAY = "s9s.array"
KEY = "s9s.idempotency_key"

Script = Annotated[str, Field(min_length=1)]
Signal = Literal["SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGCONT", "SIGSTOP"]
DependencyType = Literal["after", "afterok", "afternotok", "afterany", "singleton"]


class JobDependency(StrictBody):
    """Another job that has to be at some point before this one may start; ``singleton`` means all of the same name."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["job_id"]}, {"properties": {"type": {"const": "singleton"}}}]}
    )

    type: DependencyType
    job_id: Maybe[JobId] = None

    @model_validator(mode="after")
    def _names_a_job(self) -> JobDependency:
        if self.job_id is None and self.type != "singleton":
            raise PydanticCustomError("missing_job_id", "job_id is required")
        return self


class JobSubmit(StrictBody):
    """A new job.  CPUs, memory and GPUs are those of each node."""

    job_name: Maybe[Name] = Field(default=None, description="Default: the name of the script.")
    name: Maybe[Name] = Field(default=None, description="Alias of job_name, which wins.")
    script: Script = Field(description="A script's path, a command line, or the script itself, which begins with '#!'.")
    partition: Maybe[Name] = None
    nodes: Maybe[Positive] = None
    cpus_per_node: Maybe[Positive] = None
    memory: Maybe[Memory] = None
    gpus: Maybe[Count] = None
    time_limit: Maybe[Duration] = None
    account: Maybe[Name] = None
    qos: Maybe[Name] = None
    working_directory: Maybe[PathText] = None
    standard_output: Maybe[PathText] = None
    standard_error: Maybe[PathText] = None
    environment: Maybe[dict[str, str]] = None
    dependencies: Maybe[Annotated[list[JobDependency], Field(max_length=1000)]] = None
    array: Maybe[ArrayText] = Field(default=None, description="Task ids, as 0-31%4; %4 lets four run at a time.")
    priority: Maybe[Priority] = None
    hold: bool = False
    required_nodes: Maybe[list[Name]] = Field(default=None, description="Nodes that must be among those of the job.")

    def title(self) -> str:
        """Return the name of the job, that of its script if it was given none."""
        first = (self.script.split() or [""])[0]
        own = "script" if first.startswith("#!") else posixpath.basename(first)[:255]
        return self.job_name or self.name or own or "script"

    def to_request(self, *, user_id: str, partition: str, key: str | None = None) -> JobRequest:
        """Return the job in the cluster's terms."""
        tasks, limit = ((), None) if self.array is None else parse_array(self.array)
        extras: dict[str, Any] = {} if self.array is None else {ARRAY: self.array}
        if key is not None:
            extras[KEY] = key
        memory = memory_bytes(self.memory or DEFAULT_MEMORY)
        return JobRequest(
            name=self.title(),
            command=self.script,
            user_id=user_id,
            partition=partition,
            resources=Resources(self.cpus_per_node or 1, memory, self.gpus or 0),
            nodes=self.nodes or 1,
            time_limit=self.time_limit,
            account=self.account,
            qos=self.qos or "normal",
            priority=self.priority or 0,
            environment=dict(self.environment or {}),
            working_directory=self.working_directory,
            stdout_path=self.standard_output,
            stderr_path=self.standard_error,
            dependencies=tuple(Dependency(part.type, part.job_id) for part in self.dependencies or ()),
            array=tasks,
            array_limit=limit,
            hold=self.hold,
            required_nodes=tuple(self.required_nodes or ()),
            id_form="s9s",
            extras=extras,
        )


class Hold(StrictBody):
    """Why a job is held."""

    reason: Maybe[Reason] = None


class PriorityChange(StrictBody):
    """A new priority."""

    priority: Priority


class Cancellation(StrictQuery):
    """How to cancel a job."""

    signal: Signal = Field(default="SIGTERM", description="Signal to send.")
    force: QueryBool = Field(default=False, description="Do not wait for the job to end by itself.")


class Reading(StrictQuery):
    """What to show of a job's output."""

    lines: QueryNumber | None = Field(default=None, description="Only so many of the last lines.")
    follow: QueryBool = Field(default=False, description="Go on until the job has ended.")
    after: QueryCount | None = Field(default=None, description="Begin behind this line; they count from 1.")
