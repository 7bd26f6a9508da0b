"""What callers send about jobs."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mock_server.cluster.job import JobRequest, Resources
from mock_server.platform.lists import Listing
from mock_server.validation import Instant, Maybe, QueryBool, QueryCount, StrictBody, StrictQuery, whole
from mock_server.wire import CPU_PATTERN, MEMORY_PATTERN, cpu_count, memory_bytes

if TYPE_CHECKING:
    from mock_server.cluster.job import Job

Status = Literal["pending", "queued", "running", "completed", "failed", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Count = Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(whole)]
CountText = Annotated[str, Field(pattern=r"^[0-9]{1,6}$")]
CpuText = Annotated[str, Field(pattern=CPU_PATTERN)]
MemoryText = Annotated[str, Field(pattern=MEMORY_PATTERN)]
Positive = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]
Priority = Annotated[int, Field(ge=0), BeforeValidator(whole)]
Variables = dict[str, str]

DEFAULT_MEMORY = "1GB"
RESOURCES, SPEC, KEY = "platform.resources", "platform.spec", "platform.idempotency_key"


class JobResources(StrictBody):
    """What a job asks for."""

    cpus: Maybe[Positive | CpuText] = None
    memory: Maybe[MemoryText] = None
    gpus: Maybe[Count | CountText] = None


class JobSpecResources(StrictBody):
    """What a job asks for, in the words of a template."""

    cpu: Maybe[CpuText | Positive] = None
    memory: Maybe[MemoryText] = None
    gpu: Maybe[CountText | Count] = None


class JobSpec(StrictBody):
    """The template form of a job."""

    image: Maybe[Name] = None
    command: Maybe[Annotated[list[str], Field(min_length=1)]] = None
    resources: Maybe[JobSpecResources] = None


class JobCreate(StrictBody):
    """A new job: flat, as a template with ``spec``, or both, where the flat fields win."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["command"]},
                {"required": ["spec"], "properties": {"spec": {"required": ["command"]}}},
                {"required": ["spec"], "properties": {"spec": {"required": ["image"]}}},
            ]
        }
    )

    name: Name
    cluster_id: Maybe[Name] = None
    cluster: Maybe[Name] = Field(default=None, description="Alias of cluster_id.")
    command: Maybe[Annotated[str, Field(min_length=1)]] = None
    resources: Maybe[JobResources] = None
    environment: Maybe[Variables] = None
    env: Maybe[Variables] = Field(default=None, description="Alias of environment, which wins for each variable.")
    working_directory: Maybe[str] = None
    output_path: Maybe[str] = None
    priority: Maybe[Priority] = None
    spec: Maybe[JobSpec] = None

    @model_validator(mode="after")
    def _can_run(self) -> JobCreate:
        if self.command is None and (self.spec is None or (self.spec.command is None and self.spec.image is None)):
            raise PydanticCustomError("missing_command", "One of command, spec.command and spec.image is required")
        return self

    def command_line(self) -> str:
        if self.command is not None:
            return self.command
        return shlex.join(self.spec.command) if self.spec is not None and self.spec.command is not None else ""

    def resources_as_sent(self) -> dict[str, Any]:
        """Return the flat view: counts as integers, memory as the caller wrote it."""
        flat = self.resources or JobResources()
        template = (self.spec and self.spec.resources) or JobSpecResources()
        cpus = template.cpu if flat.cpus is None else flat.cpus
        gpus = template.gpu if flat.gpus is None else flat.gpus
        return {
            "cpus": 1 if cpus is None else cpu_count(str(cpus)),
            "memory": flat.memory or template.memory or DEFAULT_MEMORY,
            "gpus": 0 if gpus is None else int(gpus),
        }

    def to_request(self, *, user_id: str, idempotency_key: str | None) -> JobRequest:
        """Return the job in the cluster's terms."""
        resources = self.resources_as_sent()
        extras: dict[str, Any] = {RESOURCES: resources}
        if self.spec is not None:
            extras[SPEC] = self.spec.model_dump(exclude_unset=True)
        if idempotency_key is not None:
            # Beside the request, not in it: keys belong to credentials here, to users in the cluster.
            extras[KEY] = idempotency_key
        return JobRequest(
            name=self.name,
            command=self.command_line(),
            user_id=user_id,
            cluster_id=self.cluster_id or self.cluster,
            image=None if self.spec is None else self.spec.image,
            resources=Resources(resources["cpus"], memory_bytes(resources["memory"]), resources["gpus"]),
            priority=self.priority or 0,
            environment={**(self.env or {}), **(self.environment or {})},
            working_directory=self.working_directory,
            output_path=self.output_path,
            extras=extras,
        )


class JobUpdate(StrictBody):
    """Changes to a job; ``status`` asks for its cancellation."""

    model_config = ConfigDict(
        json_schema_extra={"minProperties": 1, "dependentRequired": {"reason": ["status"]}},
    )

    name: Maybe[Name] = None
    priority: Maybe[Priority] = None
    status: Maybe[Literal["cancelled"]] = None
    reason: Maybe[str] = None
    environment: Maybe[Variables] = None
    output_path: Maybe[str] = None

    @model_validator(mode="after")
    def _says_something(self) -> JobUpdate:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "At least one field is required")
        if self.reason is not None and self.status is None:
            raise PydanticCustomError("reason_without_status", "A reason belongs to status 'cancelled'")
        return self


class JobListing(Listing):
    """Filters of the job list."""

    status: Status | None = Field(default=None, description="Only jobs in this state.")
    cluster_id: str | None = Field(default=None, description="Only jobs of this cluster, by id or name.")
    cluster: str | None = Field(default=None, description="Alias of cluster_id.")
    user_id: str | None = Field(default=None, description="Only jobs of this user.")
    idempotency_key: str | None = Field(default=None, description="Only the job submitted with this key.")


class JobDetail(StrictQuery):
    """What to embed in a job."""

    include: list[Literal["logs", "outputs", "metrics"]] = Field(
        default=[], description="Related data to embed; comma-joined or repeated."
    )


class LogView(StrictQuery):
    """Which lines of a log, and how."""

    tail: QueryCount | None = Field(default=None, description="Only the last lines, at most this many.")
    since: Instant | None = Field(default=None, description="Only lines written after this instant.")
    timestamps: QueryBool = Field(default=False, description="Begin each line with its time.")
    follow: QueryBool = Field(default=False, description="Stream events until the job has ended.")


def wanted(filters: JobListing, cluster_id: str | None) -> Any:
    """Return the test for the filters of the job list; ``cluster_id`` is the resolved cluster."""

    def test(job: Job) -> bool:
        return (
            (filters.status is None or job.state == filters.status)
            and (cluster_id is None or job.cluster_id == cluster_id)
            and (filters.user_id is None or job.request.user_id == filters.user_id)
            and (filters.idempotency_key is None or job.request.extras.get(KEY) == filters.idempotency_key)
        )

    return test
