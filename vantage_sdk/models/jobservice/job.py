"""Jobs of the job service, and what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.phase import PhasedModel
from vantage_sdk.models.quantity import Quantity


class JobServiceResources(Model):
    """What a job asks for: cores of a CPU and bytes of memory as quantities (``"500m"``, ``"8Gi"``), and a number of GPUs."""

    cpu: Quantity | None = None
    memory: Quantity | None = None
    gpu: int | None = None

    if TYPE_CHECKING:  # what is given may be less than what is read

        def __init__(
            self,
            *,
            cpu: Quantity | str | float | None = None,
            memory: Quantity | str | float | None = None,
            gpu: int | None = None,
        ) -> None: ...


class Gang(Model):
    """Whether the members of a job start all together or not at all, and how many there must be, from 1."""

    enabled: bool | None = None
    min_members: int | None = None


class RetryPolicy(Model):
    """How often a job that fails is run again, and by what each pause before that is longer than the one before."""

    max_retries: int | None = None
    backoff_multiplier: float | None = None


class JobServiceJob(PhasedModel):
    """A job of the job service.

    ``status`` is the server's word (``pending``, ``queued``, ``running``, ``succeeded``, ``failed``, ``cancelled``, or one that is
    newer than this SDK); ``phase`` the same in the words of all families.  What an answer leaves out is ``None``: a new job has
    its ``queue_position``, a list no ``config``, a cancelled job little more than ``cancelled_at``; ``get`` has the most.
    """

    _shown: ClassVar[tuple[str, ...]] = (
        "id",
        "job_type",
        "status",
        "priority",
        "image",
        "created_at",
        "started_at",
        "completed_at",
        "retry_count",
        "worker_id",
    )  # without config, where people put passwords

    id: str
    status: str
    job_type: str | None = None
    priority: int | None = None
    image: str | None = None
    config: dict[str, Any] | None = None
    resources: JobServiceResources | None = None
    gang: Gang | None = None
    timeout_seconds: int | None = None
    retry_policy: RetryPolicy | None = None
    created_at: Timestamp | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    cancelled_at: Timestamp | None = None
    queue_position: int | None = None
    retry_count: int | None = None
    worker_id: str | None = None
    logs_url: str | None = None
