"""Python client for the Vantage compute platform.

Importing the package loads neither httpx nor pydantic; names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vantage_sdk._ownership import warn_of_other_owners
from vantage_sdk._version import __version__

if TYPE_CHECKING:
    from vantage_sdk.client import AsyncVantageClient, VantageClient
    from vantage_sdk.config import Config
    from vantage_sdk.core.answer import RawResponse
    from vantage_sdk.core.job_file import JobFileError
    from vantage_sdk.core.stepping import AsyncStream, Stream
    from vantage_sdk.exceptions import (
        Attempt,
        AuthenticationError,
        AuthorizationError,
        ConfigError,
        ConflictError,
        DeadlineExceeded,
        IntegrityError,
        JobFailedError,
        RateLimitError,
        ResourceNotFoundError,
        ServerError,
        StreamInterrupted,
        SubmitOutcomeUnknown,
        TransferError,
        ValidationError,
        VantageAPIError,
        VantageConnectionError,
        VantageTimeoutError,
        WebhookVerificationError,
    )
    from vantage_sdk.models.batch import BatchResult, Outcome
    from vantage_sdk.models.billing import Invoice, UsageItem, UsageSummary
    from vantage_sdk.models.cluster import Cluster, ClusterNode, ClusterUsage
    from vantage_sdk.models.event import (
        ClusterScaled,
        Event,
        JobCancelled,
        JobCompleted,
        JobCreated,
        JobEvent,
        JobFailed,
        JobStarted,
    )
    from vantage_sdk.models.job import Job, JobOutput, JobSpec, JobTemplate, Phase
    from vantage_sdk.models.metrics import ClusterMetrics, JobMetrics, MetricPoint
    from vantage_sdk.models.storage_file import StorageFile
    from vantage_sdk.models.team import Team, TeamMember
    from vantage_sdk.models.transfer import TransferItem, TransferReport
    from vantage_sdk.models.user import User
    from vantage_sdk.models.webhook import WebhookSubscription
    from vantage_sdk.pagination import Page
    from vantage_sdk.platform.job_logs import Logs
    from vantage_sdk.waiting import wait_for_completion
    from vantage_sdk.webhook import Webhook

_HOME = {
    "vantage_sdk.client": ("AsyncVantageClient", "VantageClient"),
    "vantage_sdk.config": ("Config",),
    "vantage_sdk.core.answer": ("RawResponse",),
    "vantage_sdk.core.job_file": ("JobFileError",),
    "vantage_sdk.core.stepping": ("AsyncStream", "Stream"),
    "vantage_sdk.exceptions": (
        "Attempt",
        "AuthenticationError",
        "AuthorizationError",
        "ConfigError",
        "ConflictError",
        "DeadlineExceeded",
        "IntegrityError",
        "JobFailedError",
        "RateLimitError",
        "ResourceNotFoundError",
        "ServerError",
        "StreamInterrupted",
        "SubmitOutcomeUnknown",
        "TransferError",
        "ValidationError",
        "VantageAPIError",
        "VantageConnectionError",
        "VantageTimeoutError",
        "WebhookVerificationError",
    ),
    "vantage_sdk.models.batch": ("BatchResult", "Outcome"),
    "vantage_sdk.models.billing": ("Invoice", "UsageItem", "UsageSummary"),
    "vantage_sdk.models.cluster": ("Cluster", "ClusterNode", "ClusterUsage"),
    "vantage_sdk.models.event": (
        "ClusterScaled",
        "Event",
        "JobCancelled",
        "JobCompleted",
        "JobCreated",
        "JobEvent",
        "JobFailed",
        "JobStarted",
    ),
    "vantage_sdk.models.job": ("Job", "JobOutput", "JobSpec", "JobTemplate", "Phase"),
    "vantage_sdk.models.metrics": ("ClusterMetrics", "JobMetrics", "MetricPoint"),
    "vantage_sdk.models.storage_file": ("StorageFile",),
    "vantage_sdk.models.team": ("Team", "TeamMember"),
    "vantage_sdk.models.transfer": ("TransferItem", "TransferReport"),
    "vantage_sdk.models.user": ("User",),
    "vantage_sdk.models.webhook": ("WebhookSubscription",),
    "vantage_sdk.pagination": ("Page",),
    "vantage_sdk.platform.job_logs": ("Logs",),
    "vantage_sdk.waiting": ("wait_for_completion",),
    "vantage_sdk.webhook": ("Webhook",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AsyncStream",
    "AsyncVantageClient",
    "Attempt",
    "AuthenticationError",
    "AuthorizationError",
    "BatchResult",
    "Cluster",
    "ClusterMetrics",
    "ClusterNode",
    "ClusterScaled",
    "ClusterUsage",
    "Config",
    "ConfigError",
    "ConflictError",
    "DeadlineExceeded",
    "Event",
    "IntegrityError",
    "Invoice",
    "Job",
    "JobCancelled",
    "JobCompleted",
    "JobCreated",
    "JobEvent",
    "JobFailed",
    "JobFailedError",
    "JobFileError",
    "JobMetrics",
    "JobOutput",
    "JobSpec",
    "JobStarted",
    "JobTemplate",
    "Logs",
    "MetricPoint",
    "Outcome",
    "Page",
    "Phase",
    "RateLimitError",
    "RawResponse",
    "ResourceNotFoundError",
    "ServerError",
    "StorageFile",
    "Stream",
    "StreamInterrupted",
    "SubmitOutcomeUnknown",
    "Team",
    "TeamMember",
    "TransferError",
    "TransferItem",
    "TransferReport",
    "UsageItem",
    "UsageSummary",
    "User",
    "ValidationError",
    "VantageAPIError",
    "VantageClient",
    "VantageConnectionError",
    "VantageTimeoutError",
    "Webhook",
    "WebhookSubscription",
    "WebhookVerificationError",
    "__version__",
    "wait_for_completion",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__


warn_of_other_owners()
