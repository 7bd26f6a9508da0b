"""The classes behind the nouns of each client, and what else a user can name."""

from __future__ import annotations

from typing import Any

from vantage_sdk.core.request import CallOptions, WaitOptions
from vantage_sdk.jobservice import clusters as jobservice_clusters, jobs as jobservice_jobs
from vantage_sdk.jobservice.health import Health
from vantage_sdk.jobservice.metrics import Metrics
from vantage_sdk.jobservice.queues import QueueList
from vantage_sdk.platform.billing import Billing
from vantage_sdk.platform.clusters import ClusterFilters, Clusters
from vantage_sdk.platform.job_submission import SubmitOptions
from vantage_sdk.platform.jobs import JobFilters, Jobs
from vantage_sdk.platform.listing import ListFilters
from vantage_sdk.platform.monitoring import Monitoring
from vantage_sdk.platform.storage import FileFilters, Storage
from vantage_sdk.platform.storage_directories import DirectoryOptions
from vantage_sdk.platform.teams import Teams
from vantage_sdk.platform.users import UserJobFilters, Users
from vantage_sdk.platform.webhooks import Webhooks
from vantage_sdk.s9s import jobs as s9s_jobs
from vantage_sdk.s9s.events import Events
from vantage_sdk.s9s.exports import Exports
from vantage_sdk.s9s.metrics import Metrics as S9SMetrics
from vantage_sdk.s9s.nodes import Nodes
from vantage_sdk.s9s.partitions import Partitions
from vantage_sdk.s9s.reports import Reports
from vantage_sdk.s9s.submission import S9SSubmitOptions
from vantage_sdk.s9s.users import Users as S9SUsers
from vantage_sdk.workflows.keys import Keys
from vantage_sdk.workflows.node_types import NodeTypeList
from vantage_sdk.workflows.workflows import Workflows

NOUNS: dict[str, type[Any]] = {
    "jobs": Jobs,
    "clusters": Clusters,
    "storage": Storage,
    "workflows": Workflows,
    "keys": Keys,
    "node_types": NodeTypeList,
    "teams": Teams,
    "users": Users,
    "billing": Billing,
    "monitoring": Monitoring,
    "webhooks": Webhooks,
}
SERVICES: dict[str, dict[str, type[Any]]] = {
    "jobservice": {
        "jobs": jobservice_jobs.Jobs,
        "queues": QueueList,
        "clusters": jobservice_clusters.Clusters,
        "metrics": Metrics,
        "health": Health,
    },
    "s9s": {
        "jobs": s9s_jobs.Jobs,
        "nodes": Nodes,
        "users": S9SUsers,
        "partitions": Partitions,
        "metrics": S9SMetrics,
        "events": Events,
        "exports": Exports,
        "reports": Reports,
    },
}
"""The nouns of the other services; their methods are called ``jobservice.jobs.create`` and so on here."""
PAGES = {"jobservice": "docs/job-service.md", "s9s": "docs/s9s.md"}
OPTIONS = (
    CallOptions,
    WaitOptions,
    SubmitOptions,
    JobFilters,
    ClusterFilters,
    FileFilters,
    DirectoryOptions,
    ListFilters,
    UserJobFilters,
    jobservice_jobs.JobServiceFilters,
    s9s_jobs.S9SJobFilters,
    S9SSubmitOptions,
)
MODELS = (
    *("api_key", "billing", "cluster", "envelope", "event", "job", "metrics", "node_type", "storage_file", "team"),
    *("user", "webhook", "workflow", "workflow_graph", "workflow_result", "logs", "phase", "quantity", "update"),
    *(
        f"s9s_{name}"
        for name in ("bulk", "document", "job", "metrics", "node", "partition", "search", "status", "user")
    ),
    *(f"jobservice.{name}" for name in ("cluster", "health", "job", "metrics", "queue")),
)
PLAIN = {
    "job_id": "job",
    "job_ids": "id",
    "templates": "job",
    "name": "cluster",
    "path": "file",
    "workflow_id": "workflow",
    "key_id": "key",
    "team_id": "team",
    "invoice_id": "invoice",
    "node_name": "node",
}
"""Parameters that the sentence about the method names by their noun."""
