"""Jobs of S9S, and what they depend on."""

from __future__ import annotations

from typing import Any, ClassVar

from vantage_sdk.core.arguments import Id, id_text
from vantage_sdk.models.base import Model, Timestamp
from vantage_sdk.models.duration import Duration
from vantage_sdk.models.phase import Phase, PhasedModel
from vantage_sdk.models.quantity import Quantity

KINDS = ("after", "afterok", "afternotok", "afterany", "singleton")


class Dependency(Model):
    """What has to happen before a job may start.

    ``type``: ``after`` (the other job has begun), ``afterok`` (it succeeded), ``afternotok`` (it did not), ``afterany`` (it has
    ended), or ``singleton`` (no other job of this name and user runs), which takes no ``job_id``.  Making one of another kind
    raises ``ValueError``; one that a server sends is kept.
    """

    type: str
    job_id: str | None = None

    def __init__(self, type: str, job_id: Id | S9SJob | None = None) -> None:
        if type not in KINDS:
            raise ValueError(f"a dependency is one of {', '.join(KINDS)}, not {type!r}")
        if (type == "singleton") != (job_id is None):
            raise ValueError(f"{type} {'takes no' if type == 'singleton' else 'needs a'} job_id")
        given = {"type": type} | ({} if job_id is None else {"job_id": as_job_id(job_id)})
        super().__init__(**given)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]  reading is more tolerant


class JobEfficiency(Model):
    """What a job made of what it was given: fractions from 0 to 1, the most memory, the processor time."""

    cpu_efficiency: float | None = None
    memory_efficiency: float | None = None
    gpu_utilization: float | None = None
    max_memory_used: Quantity | None = None
    max_cpu_time: Duration | None = None


class S9SJob(PhasedModel):
    """A job of S9S.

    ``state`` is the server's word (``PENDING``, ``RUNNING``, ``COMPLETED``, ``FAILED``, ``CANCELLED``, or another of Slurm);
    ``phase`` the same in the words of all families.  What a server leaves out is ``None``: after a submission all but
    ``job_id``, ``state`` and ``message``.  ``nodes`` are names, ``node_count`` is their number.
    """

    _shown: ClassVar[tuple[str, ...]] = (
        "job_id",
        "job_name",
        "user",
        "partition",
        "state",
        "submit_time",
        "start_time",
        "end_time",
        "elapsed_time",
        "node_count",
        "exit_code",
        "reason",
    )  # without command and environment, where people put passwords

    job_id: str
    job_name: str | None = None
    user: str | None = None
    account: str | None = None
    partition: str | None = None
    state: str
    submit_time: Timestamp | None = None
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    elapsed_time: Duration | None = None
    time_limit: Duration | None = None
    nodes: list[str] | None = None
    node_count: int | None = None
    cpu_count: int | None = None
    memory: Quantity | None = None
    gpus: int | None = None
    priority: int | None = None
    qos: str | None = None
    working_directory: str | None = None
    standard_output: str | None = None
    standard_error: str | None = None
    exit_code: int | None = None
    reason: str | None = None
    command: str | None = None
    environment: dict[str, str] | None = None
    resources: JobEfficiency | None = None
    dependencies: list[Dependency] | None = None
    array: str | None = None
    array_job_id: str | None = None
    array_task_id: str | None = None
    message: str | None = None

    @property
    def id(self) -> str:
        """Return ``job_id``, under the name that it has in the other families."""
        return self.job_id

    @property
    def name(self) -> str | None:
        """Return ``job_name``, under the name that it is submitted with."""
        return self.job_name

    @property
    def _word(self) -> object:
        return self.state

    @property
    def is_terminal(self) -> bool:
        """Tell whether the job has ended; one in an unknown state has if it has an ``end_time``."""
        phase = self.phase
        return phase.is_terminal or (phase is Phase.UNKNOWN and self.end_time is not None)


def as_job_id(job: Any) -> str:
    """Return the id of a job, or of what is one already; numbers become text."""
    return id_text(job.job_id if isinstance(job, S9SJob) else job, "job_id")
