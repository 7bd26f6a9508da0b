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
        WorkflowFailedError,
    )
    from vantage_sdk.models.api_key import ApiKey, ApiKeyCreated, ApiKeyRevoked
    from vantage_sdk.models.batch import BatchResult, Outcome
    from vantage_sdk.models.cluster import Cluster, ClusterNode, ClusterUsage
    from vantage_sdk.models.envelope import Meta
    from vantage_sdk.models.job import Job, JobOutput, JobSpec, JobTemplate, Phase
    from vantage_sdk.models.node_type import NodeCategory, NodeType, NodeTypes
    from vantage_sdk.models.storage_file import StorageFile
    from vantage_sdk.models.transfer import TransferItem, TransferReport
    from vantage_sdk.models.workflow import Workflow, WorkflowEdge, WorkflowNode, WorkflowSummary
    from vantage_sdk.models.workflow_graph import GraphEdge, GraphNode, GraphOutput, WorkflowGraph
    from vantage_sdk.models.workflow_result import ResultPage, WorkflowProblem, WorkflowValidation
    from vantage_sdk.pagination import Page
    from vantage_sdk.platform.job_logs import Logs
    from vantage_sdk.waiting import wait_for_completion
    from vantage_sdk.workflows.result import WorkflowResult

_HOME = {
    "vantage_sdk.client": (
        "AsyncVantageClient",
        "VantageClient",
    ),
    "vantage_sdk.config": ("Config",),
    "vantage_sdk.core.answer": ("RawResponse",),
    "vantage_sdk.core.job_file": ("JobFileError",),
    "vantage_sdk.core.stepping": ("AsyncStream", "Stream"),
    "vantage_sdk.core.transfer.file_objects": ("FileReader", "FileWriter", "TextWriter"),
    "vantage_sdk.core.transfer.file_objects_async": ("AsyncFileReader", "AsyncFileWriter"),
    "vantage_sdk.core.transfer.file_objects_text": ("AsyncTextReader", "AsyncTextWriter"),
    "vantage_sdk.exceptions": (
        "Attempt",
        "AuthenticationError",
        "AuthorizationError",
        "ConfigError",
        "ConflictError",
        "DataExpiredError",
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
        "WorkflowFailedError",
    ),
    "vantage_sdk.models.api_key": (
        "ApiKey",
        "ApiKeyCreated",
        "ApiKeyRevoked",
    ),
    "vantage_sdk.models.batch": (
        "BatchResult",
        "Outcome",
    ),
    "vantage_sdk.models.cluster": (
        "Cluster",
        "ClusterNode",
        "ClusterUsage",
    ),
    "vantage_sdk.models.envelope": ("Meta",),
    "vantage_sdk.models.job": (
        "Job",
        "JobOutput",
        "JobSpec",
        "JobTemplate",
        "Phase",
    ),
    "vantage_sdk.models.node_type": (
        "NodeCategory",
        "NodeType",
        "NodeTypes",
    ),
    "vantage_sdk.models.storage_file": ("StorageFile",),
    "vantage_sdk.models.transfer": (
        "TransferItem",
        "TransferReport",
    ),
    "vantage_sdk.models.workflow": (
        "Workflow",
        "WorkflowEdge",
        "WorkflowNode",
        "WorkflowSummary",
    ),
    "vantage_sdk.models.workflow_graph": (
        "GraphEdge",
        "GraphNode",
        "GraphOutput",
        "WorkflowGraph",
    ),
    "vantage_sdk.models.workflow_result": (
        "ResultPage",
        "WorkflowProblem",
        "WorkflowValidation",
    ),
    "vantage_sdk.pagination": ("Page",),
    "vantage_sdk.platform.job_logs": ("Logs",),
    "vantage_sdk.waiting": ("wait_for_completion",),
    "vantage_sdk.workflows.result": ("WorkflowResult",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "ApiKey",
    "ApiKeyCreated",
    "ApiKeyRevoked",
    "AsyncFileReader",
    "AsyncFileWriter",
    "AsyncStream",
    "AsyncTextReader",
    "AsyncTextWriter",
    "AsyncVantageClient",
    "Attempt",
    "AuthenticationError",
    "AuthorizationError",
    "BatchResult",
    "Cluster",
    "ClusterNode",
    "ClusterUsage",
    "Config",
    "ConfigError",
    "ConflictError",
    "DataExpiredError",
    "DeadlineExceeded",
    "FileReader",
    "FileWriter",
    "GraphEdge",
    "GraphNode",
    "GraphOutput",
    "IntegrityError",
    "Job",
    "JobFailedError",
    "JobFileError",
    "JobOutput",
    "JobSpec",
    "JobTemplate",
    "Logs",
    "Meta",
    "NodeCategory",
    "NodeType",
    "NodeTypes",
    "Outcome",
    "Page",
    "Phase",
    "RateLimitError",
    "RawResponse",
    "ResourceNotFoundError",
    "ResultPage",
    "ServerError",
    "StorageFile",
    "Stream",
    "StreamInterrupted",
    "SubmitOutcomeUnknown",
    "TextWriter",
    "TransferError",
    "TransferItem",
    "TransferReport",
    "ValidationError",
    "VantageAPIError",
    "VantageClient",
    "VantageConnectionError",
    "VantageTimeoutError",
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
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__


warn_of_other_owners()
