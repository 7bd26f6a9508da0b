"""Jobs of the platform, and the templates that they are submitted from."""

from __future__ import annotations

import shlex
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field

from vantage_sdk.core.shapes import as_object
from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.metrics import JobMetrics
from vantage_sdk.models.phase import PhasedModel
from vantage_sdk.models.storage_file import StorageFile


class JobResources(Model):
    """What a job asks for: CPU cores, memory as text with a unit, GPUs."""

    cpus: int | None = None
    memory: str | None = None
    gpus: int | None = None


class JobSpecResources(Model):
    """What a template asks for, as container quantities in text: ``"2"``, ``"500m"``, ``"4Gi"``."""

    cpu: str | None = None
    memory: str | None = None
    gpu: str | int | None = None


class JobSpec(Model):
    """The container view of a job: image, command as a list, resources."""

    image: str | None = None
    command: list[str] = Field(default_factory=list[str])
    resources: JobSpecResources = Field(default_factory=JobSpecResources)


class Job(PhasedModel):
    """A job of the platform.

    ``status`` is the server's word (``pending``, ``queued``, ``running``, ``completed``, ``failed``, ``cancelled``, or one
    that is newer than this SDK); ``phase`` the same in the words of all families.
    """

    _shown: ClassVar[tuple[str, ...]] = (
        "id",
        "name",
        "status",
        "cluster_id",
        "created_at",
        "started_at",
        "completed_at",
        "exit_code",
        "reason",
    )  # without command and environment, where people put passwords

    id: str
    name: str | None = None
    status: str
    cluster_id: str | None = None
    user_id: str | None = None
    command: str | None = None
    resources: JobResources = Field(default_factory=JobResources)
    created_at: Timestamp | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    environment: dict[str, str] | None = None
    working_directory: str | None = None
    output_path: str | None = None
    priority: int | None = None
    cancel_reason: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    idempotency_key: str | None = None
    logs: list[str] | None = None
    outputs: list[StorageFile] | None = None
    metrics: JobMetrics | None = None

    @cached_property
    def spec(self) -> JobSpec:
        """Return the template view: the one that was submitted, else one made from the flat fields."""
        received = as_object(self.to_dict().get("spec"))
        if received is not None:
            return JobSpec.from_dict(received)
        return JobSpec.from_dict({"command": _argv(self.command), "resources": _quantities(self.resources)})


def _argv(command: str | None) -> list[str]:
    try:
        return shlex.split(command or "")
    except ValueError:  # unbalanced quotes: a shell would refuse it as well
        return [command or ""]


def _quantities(resources: JobResources) -> dict[str, Any]:
    cpus, gpus = resources.cpus, resources.gpus
    found = {"cpu": None if cpus is None else str(cpus), "memory": resources.memory, "gpu": gpus}
    return {name: value for name, value in found.items() if value is not None}


class JobTemplate(Model):
    """A job to submit, as an object instead of a mapping."""

    name: str
    spec: JobSpec


class JobOutput(Model):
    """What a job left behind: its collected files and, if captured, its standard output."""

    job_id: str
    output_path: str | None = None
    files: list[StorageFile] = Field(default_factory=list[StorageFile])
    stdout: str | None = None
