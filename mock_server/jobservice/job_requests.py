"""What callers send about AI jobs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from mock_server.cluster.job import JobRequest, Resources
from mock_server.jobservice.commands import command_line, model_name
from mock_server.jobservice.quantities import CPU_PATTERN, MEMORY_PATTERN, cores, size
from mock_server.validation import Maybe, QueryBool, QueryCount, QueryNumber, StrictBody, StrictQuery, whole

Status = Literal["pending", "queued", "running", "succeeded", "failed", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Count = Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(whole)]
CountText = Annotated[str, Field(pattern=r"^[0-9]{1,6}$")]
CpuText = Annotated[str, Field(pattern=CPU_PATTERN)]
MemoryText = Annotated[str, Field(pattern=MEMORY_PATTERN)]
Members = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(whole)]
Seconds = Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(whole)]
Retries = Annotated[int, Field(ge=0, le=100), BeforeValidator(whole)]
Multiplier = Annotated[float, Field(ge=1, le=100)]

HIGH_PRIORITY = 80
HIGHEST = 100
DEFAULT_PRIORITY, DEFAULT_CPU, DEFAULT_MEMORY = 50, "1", "1Gi"
KEY = "jobservice.idempotency_key"
EXTRAS = ("job_type", "config", "resources", "gang", "retry_policy")
"""What a job of the cluster keeps as the caller sent it, each beneath ``jobservice.<name>``."""

FIELDS = {
    "cpus": "resources.cpu",
    "memory": "resources.memory",
    "gpus": "resources.gpu",
    "gang": "gang.min_members",
    "command": "config.command",
    "time_limit": "timeout_seconds",
}
"""What callers call the fields of the cluster's requests."""


def _in_range(value: int) -> int:
    if not 0 <= value <= HIGHEST:
        raise PydanticCustomError("out_of_range", "Priority must be between 0 and 100")
    return value


Priority = Annotated[
    int,
    AfterValidator(_in_range),
    BeforeValidator(whole),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": HIGHEST}),
]


class JobResources(StrictBody):
    """What a job, or each member of a gang, asks for."""

    cpu: Maybe[CpuText | Count] = None
    memory: Maybe[MemoryText] = None
    gpu: Maybe[Count | CountText] = None

    def as_shown(self) -> dict[str, Any]:
        """Return the amounts in their documented types, texts as the caller wrote them."""
        return {
            "cpu": DEFAULT_CPU if self.cpu is None else str(self.cpu),
            "memory": self.memory or DEFAULT_MEMORY,
            "gpu": 0 if self.gpu is None else int(self.gpu),
        }


class Gang(StrictBody):
    """Members that start together or not at all."""

    enabled: Maybe[bool] = None
    min_members: Maybe[Members] = None

    def as_shown(self) -> dict[str, Any]:
        return {"enabled": bool(self.enabled), "min_members": self.min_members or 1}


class RetryPolicy(StrictBody):
    """How often a failed job is run again, and how much longer each wait is than the one before."""

    max_retries: Maybe[Retries] = None
    backoff_multiplier: Maybe[Multiplier] = None

    def as_shown(self) -> dict[str, Any]:
        return {"max_retries": self.max_retries or 0, "backoff_multiplier": self.backoff_multiplier or 1}


class JobCreate(StrictBody):
    """A new AI job."""

    complaint: ClassVar[str | None] = "Invalid job configuration"

    job_type: Name
    image: Name
    priority: Maybe[Priority] = None
    config: Maybe[dict[str, Any]] = Field(
        default=None,
        description="Settings of the image. The server runs command, a text or a list of texts; without one it pretends to "
        "run model through batches or epochs in duration_seconds.",
    )
    resources: Maybe[JobResources] = None
    gang: Maybe[Gang] = None
    timeout_seconds: Maybe[Seconds] = None
    retry_policy: Maybe[RetryPolicy] = None

    def as_shown(self) -> dict[str, Any]:
        """Return what the job's view echoes, with the defaults filled in."""
        return {
            "job_type": self.job_type,
            "config": self.config or {},
            "resources": (self.resources or JobResources()).as_shown(),
            "gang": (self.gang or Gang()).as_shown(),
            "retry_policy": (self.retry_policy or RetryPolicy()).as_shown(),
        }

    def to_request(self, *, user_id: str, key: str | None = None) -> JobRequest:
        """Return the job in the cluster's terms, without a cluster."""
        sent = self.as_shown()
        asked, gang, retries = sent["resources"], sent["gang"], sent["retry_policy"]
        priority = DEFAULT_PRIORITY if self.priority is None else self.priority
        return JobRequest(
            name=f"{self.job_type}-{model_name(self.image, sent['config'])}"[:255],
            command=command_line(self.image, sent["config"]),
            user_id=user_id,
            image=self.image,
            resources=Resources(cores(asked["cpu"]), size(asked["memory"]), asked["gpu"]),
            priority=priority,
            time_limit=self.timeout_seconds,
            gang=gang["min_members"] if gang["enabled"] else None,
            max_retries=retries["max_retries"],
            backoff_multiplier=retries["backoff_multiplier"],
            queue="high-priority" if priority >= HIGH_PRIORITY else "default",
            id_form="jobservice",
            extras={**{f"jobservice.{name}": sent[name] for name in EXTRAS}, **({} if key is None else {KEY: key})},
        )


class JobListing(StrictQuery):
    """Filters and part of the job list."""

    status: Status | None = Field(default=None, description="Only jobs in this state.")
    job_type: str | None = Field(default=None, description="Only jobs of this kind.")
    priority_min: QueryCount = Field(default=0, description="Only jobs of this priority or a higher one.")
    limit: QueryNumber = Field(default=50, description="Page size; more than 100 is taken as 100.")
    offset: QueryCount = Field(default=0, description="Items to skip.")

    @property
    def size(self) -> int:
        return min(self.limit, 100)

    @property
    def wants_all(self) -> bool:
        """Whether there are no filters."""
        return self.status is None and self.job_type is None and self.priority_min == 0


class LogView(StrictQuery):
    """Which lines of a log, and how."""

    follow: QueryBool = Field(default=False, description="Stream events until the job has ended.")
    tail: QueryCount = Field(default=100, description="Only the last lines, at most this many.")
    timestamps: QueryBool = Field(default=True, description="Begin each line with its time.")

    @property
    def since(self) -> None:
        """This family cannot ask for the lines after an instant."""
