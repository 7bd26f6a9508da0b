"""Python client for the Vantage compute platform.

Importing the package loads neither httpx nor pydantic; names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vantage_sdk._exports import MODULE_OF
from vantage_sdk._ownership import warn_of_other_owners
from vantage_sdk._version import __version__

if TYPE_CHECKING:
    from vantage_sdk.client import AsyncVantageClient, VantageClient
    from vantage_sdk.config import Config
    from vantage_sdk.core.answer import RawResponse
    from vantage_sdk.core.job_file import JobFileError
    from vantage_sdk.core.live import AsyncLiveStream, LiveStream
    from vantage_sdk.core.stepping import AsyncStream, Stream
    from vantage_sdk.core.transfer.file_objects import FileReader, FileWriter, TextWriter
    from vantage_sdk.core.transfer.file_objects_async import AsyncFileReader, AsyncFileWriter
    from vantage_sdk.core.transfer.file_objects_text import AsyncTextReader, AsyncTextWriter
    from vantage_sdk.exceptions import (
        Attempt,
        AuthenticationError,
        AuthorizationError,
        ConfigError,
        ConflictError,
        DataExpiredError,
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
        WorkflowFailedError,
    )
    from vantage_sdk.job_service_client import AsyncJobServiceClient, JobServiceClient
    from vantage_sdk.models.api_key import ApiKey, ApiKeyCreated, ApiKeyRevoked
    from vantage_sdk.models.batch import BatchResult, Outcome
    from vantage_sdk.models.billing import Invoice, UsageItem, UsageSummary
    from vantage_sdk.models.cluster import Cluster, ClusterNode, ClusterUsage
    from vantage_sdk.models.duration import Duration
    from vantage_sdk.models.envelope import Meta
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
    from vantage_sdk.models.job import Job, JobOutput, JobSpec, JobTemplate
    from vantage_sdk.models.jobservice.cluster import JobServiceCluster
    from vantage_sdk.models.jobservice.health import Liveness, Readiness
    from vantage_sdk.models.jobservice.job import Gang, JobServiceJob, JobServiceResources, RetryPolicy
    from vantage_sdk.models.jobservice.metrics import SystemMetrics
    from vantage_sdk.models.jobservice.queue import Queue, Queues
    from vantage_sdk.models.logs import Logs
    from vantage_sdk.models.metrics import ClusterMetrics, JobMetrics, MetricPoint
    from vantage_sdk.models.node_type import NodeCategory, NodeType, NodeTypes
    from vantage_sdk.models.phase import Phase
    from vantage_sdk.models.quantity import Quantity
    from vantage_sdk.models.s9s_bulk import BulkOutcome, BulkResult
    from vantage_sdk.models.s9s_document import Export, Report
    from vantage_sdk.models.s9s_job import Dependency, S9SJob
    from vantage_sdk.models.s9s_metrics import ClusterStats, EfficiencyReport, PerformanceSeries
    from vantage_sdk.models.s9s_node import S9SNode
    from vantage_sdk.models.s9s_partition import S9SPartition
    from vantage_sdk.models.s9s_search import SearchHit, SearchResults
    from vantage_sdk.models.s9s_status import S9SStatus
    from vantage_sdk.models.s9s_user import S9SUser
    from vantage_sdk.models.storage_file import StorageFile
    from vantage_sdk.models.team import Team, TeamMember
    from vantage_sdk.models.transfer import TransferItem, TransferReport
    from vantage_sdk.models.update import JobUpdate, MetricsUpdate, NodeUpdate, Resynced, Update
    from vantage_sdk.models.user import User
    from vantage_sdk.models.webhook import WebhookSubscription
    from vantage_sdk.models.workflow import Workflow, WorkflowEdge, WorkflowNode, WorkflowSummary
    from vantage_sdk.models.workflow_graph import GraphEdge, GraphNode, GraphOutput, WorkflowGraph
    from vantage_sdk.models.workflow_result import ResultPage, WorkflowProblem, WorkflowValidation
    from vantage_sdk.pagination import Page
    from vantage_sdk.s9s_client import AsyncS9SClient, S9SClient
    from vantage_sdk.waiting import wait_for_completion
    from vantage_sdk.webhook import Webhook
    from vantage_sdk.workflows.result import WorkflowResult

__all__ = [
    "ApiKey",
    "ApiKeyCreated",
    "ApiKeyRevoked",
    "AsyncFileReader",
    "AsyncFileWriter",
    "AsyncJobServiceClient",
    "AsyncLiveStream",
    "AsyncS9SClient",
    "AsyncStream",
    "AsyncTextReader",
    "AsyncTextWriter",
    "AsyncVantageClient",
    "Attempt",
    "AuthenticationError",
    "AuthorizationError",
    "BatchResult",
    "BulkOutcome",
    "BulkResult",
    "Cluster",
    "ClusterMetrics",
    "ClusterNode",
    "ClusterScaled",
    "ClusterStats",
    "ClusterUsage",
    "Config",
    "ConfigError",
    "ConflictError",
    "DataExpiredError",
    "DeadlineExceeded",
    "Dependency",
    "Duration",
    "EfficiencyReport",
    "Event",
    "Export",
    "FileReader",
    "FileWriter",
    "Gang",
    "GraphEdge",
    "GraphNode",
    "GraphOutput",
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
    "JobServiceClient",
    "JobServiceCluster",
    "JobServiceJob",
    "JobServiceResources",
    "JobSpec",
    "JobStarted",
    "JobTemplate",
    "JobUpdate",
    "LiveStream",
    "Liveness",
    "Logs",
    "Meta",
    "MetricPoint",
    "MetricsUpdate",
    "NodeCategory",
    "NodeType",
    "NodeTypes",
    "NodeUpdate",
    "Outcome",
    "Page",
    "PerformanceSeries",
    "Phase",
    "Quantity",
    "Queue",
    "Queues",
    "RateLimitError",
    "RawResponse",
    "Readiness",
    "Report",
    "ResourceNotFoundError",
    "ResultPage",
    "Resynced",
    "RetryPolicy",
    "S9SClient",
    "S9SJob",
    "S9SNode",
    "S9SPartition",
    "S9SStatus",
    "S9SUser",
    "SearchHit",
    "SearchResults",
    "ServerError",
    "StorageFile",
    "Stream",
    "StreamInterrupted",
    "SubmitOutcomeUnknown",
    "SystemMetrics",
    "Team",
    "TeamMember",
    "TextWriter",
    "TransferError",
    "TransferItem",
    "TransferReport",
    "Update",
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
    "Workflow",
    "WorkflowEdge",
    "WorkflowFailedError",
    "WorkflowGraph",
    "WorkflowNode",
    "WorkflowProblem",
    "WorkflowResult",
    "WorkflowSummary",
    "WorkflowValidation",
    "__version__",
    "wait_for_completion",
]


def __getattr__(name: str) -> Any:
    if name not in MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__


warn_of_other_owners()
