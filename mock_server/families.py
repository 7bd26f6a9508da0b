"""The API families that the server speaks, in the order in which they claim paths."""

from __future__ import annotations

from mock_server.documents import (
    jobservice as job_documents,
    mounted,
    routes as documents,
    workflows as workflow_documents,
)
from mock_server.jobservice import (
    clusters as job_clusters,
    health,
    jobs as ai_jobs,
    logs,
    metrics as job_metrics,
    queues,
)
from mock_server.jobservice.dialect import JOBSERVICE
from mock_server.platform import (
    billing,
    clusters,
    jobs,
    monitoring,
    storage,
    team_members,
    teams,
    uploads,
    users,
    webhooks,
)
from mock_server.platform.dialect import PLATFORM
from mock_server.routes import Family
from mock_server.s9s import (
    bulk,
    documents as s9s_documents,
    efficiency,
    events,
    exports,
    jobs as s9s_jobs,
    metrics as s9s_metrics,
    nodes,
    oauth,
    outputs,
    partitions,
    reports,
    search,
    status,
    users as s9s_users,
)
from mock_server.s9s.dialect import S9S
from mock_server.workflows import keys, node_types, runs, workflows
from mock_server.workflows.dialect import WORKFLOWS

FAMILIES = (
    Family(
        PLATFORM,
        (
            *(*jobs.routes.endpoints, *clusters.routes.endpoints, *storage.routes.endpoints),
            *(*uploads.routes.endpoints, *teams.routes.endpoints, *team_members.routes.endpoints),
            *(*users.routes.endpoints, *billing.routes.endpoints, *monitoring.routes.endpoints),
            *webhooks.routes.endpoints,
            *documents.endpoints,
        ),
    ),
    Family(
        WORKFLOWS,
        (
            *(*workflows.routes.endpoints, *runs.routes.endpoints, *node_types.routes.endpoints),
            *(*keys.routes.endpoints, *workflow_documents.endpoints, *mounted.endpoints),
        ),
    ),
    Family(
        JOBSERVICE,
        (
            *(*ai_jobs.routes.endpoints, *logs.routes.endpoints, *queues.routes.endpoints),
            *(*job_clusters.routes.endpoints, *job_metrics.routes.endpoints, *health.routes.endpoints),
            *job_documents.endpoints,
        ),
    ),
    Family(
        S9S,
        (
            *(*bulk.routes.endpoints, *s9s_jobs.routes.endpoints, *outputs.routes.endpoints),
            *(*nodes.routes.endpoints, *s9s_users.routes.endpoints, *partitions.routes.endpoints),
            *status.routes.endpoints,
            *(*s9s_metrics.routes.endpoints, *efficiency.routes.endpoints, *events.routes.endpoints),
            *(*search.routes.endpoints, *exports.routes.endpoints, *reports.routes.endpoints),
            *(*oauth.routes.endpoints, *s9s_documents.routes.endpoints, *s9s_documents.pages.endpoints),
        ),
    ),
)
