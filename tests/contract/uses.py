"""The documented endpoints, and for every method of the SDK a way to call it with the endpoints that it asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from tests.contract.reference import HERE

ENDPOINTS = {
    "jobs_list": ("GET", "/v1/jobs"),
    "jobs_create": ("POST", "/v1/jobs"),
    "jobs_get": ("GET", "/v1/jobs/{job_id}"),
    "jobs_update": ("PATCH", "/v1/jobs/{job_id}"),
    "jobs_delete": ("DELETE", "/v1/jobs/{job_id}"),
    "jobs_output": ("GET", "/v1/jobs/{job_id}/output"),
    "jobs_logs": ("GET", "/v1/jobs/{job_id}/logs"),
    "clusters_list": ("GET", "/v1/clusters"),
    "clusters_get": ("GET", "/v1/clusters/{cluster_id}"),
    "clusters_usage": ("GET", "/v1/clusters/{cluster_id}/usage"),
    "clusters_nodes": ("GET", "/v1/clusters/{cluster_id}/nodes"),
    "clusters_scale": ("POST", "/v1/clusters/{cluster_id}/scale"),
    "storage_list": ("GET", "/v1/storage/files"),
    "storage_upload": ("POST", "/v1/storage/files"),
    "storage_get": ("GET", "/v1/storage/files/{file_id}"),
    "storage_download": ("GET", "/v1/storage/files/{file_id}/download"),
    "storage_delete": ("DELETE", "/v1/storage/files/{file_id}"),
    "teams_list": ("GET", "/v1/teams"),
    "teams_get": ("GET", "/v1/teams/{team_id}"),
    "team_members_list": ("GET", "/v1/teams/{team_id}/members"),
    "team_members_add": ("POST", "/v1/teams/{team_id}/members"),
    "team_members_remove": ("DELETE", "/v1/teams/{team_id}/members/{user_id}"),
    "users_me": ("GET", "/v1/users/me"),
    "users_update_me": ("PATCH", "/v1/users/me"),
    "users_jobs": ("GET", "/v1/users/{user_id}/jobs"),
    "billing_usage": ("GET", "/v1/billing/usage"),
    "billing_invoices_list": ("GET", "/v1/billing/invoices"),
    "billing_invoices_get": ("GET", "/v1/billing/invoices/{invoice_id}"),
    "monitoring_job_metrics": ("GET", "/v1/monitoring/jobs/{job_id}/metrics"),
    "monitoring_cluster_metrics": ("GET", "/v1/monitoring/clusters/{cluster_id}/metrics"),
    "webhooks_list": ("GET", "/v1/webhooks"),
    "webhooks_create": ("POST", "/v1/webhooks"),
    "webhooks_update": ("PATCH", "/v1/webhooks/{webhook_id}"),
    "webhooks_delete": ("DELETE", "/v1/webhooks/{webhook_id}"),
}
EXTENSIONS = {
    ("OPTIONS", "/v1/storage/files"),
    ("OPTIONS", "/v1/storage/uploads"),
    ("POST", "/v1/storage/uploads"),
    ("HEAD", "/v1/storage/uploads/{upload_id}"),
    ("PATCH", "/v1/storage/uploads/{upload_id}"),
    ("DELETE", "/v1/storage/uploads/{upload_id}"),
}
"""Resumable uploads, which no document has; ``storage/test_pieces.py`` shows that the client speaks them."""
JOB_ID, CLUSTER_ID, FILE_ID, KEY = "job-12345", "my-cluster", "file_789", "key-1"
TEAM_ID, USER_ID, INVOICE_ID, WEBHOOK_ID = "team_123", "user_456", "inv_123", "wh_123"
IDS = {
    "job_id": JOB_ID,
    "cluster_id": CLUSTER_ID,
    "file_id": FILE_ID,
    "team_id": TEAM_ID,
    "user_id": USER_ID,
    "invoice_id": INVOICE_ID,
    "webhook_id": WEBHOOK_ID,
}
PATH, CONTENT = "/datasets/a.txt", b"one file\n"
FILE = {"id": FILE_ID, "path": PATH, "type": "file", "size": len(CONTENT)}
TREE = HERE / "data" / "tree"
JOB = {"id": JOB_ID, "name": "n", "status": "completed", "updated_at": "2024-01-15T10:30:00Z", "idempotency_key": KEY}
CLUSTER = {"id": CLUSTER_ID, "name": CLUSTER_ID}
TEAM, INVOICE, WEBHOOK = {"id": TEAM_ID}, {"id": INVOICE_ID}, {"id": WEBHOOK_ID}
USER, MEMBER = {"id": USER_ID}, {"user_id": USER_ID}
TEMPLATE = {"name": "n", "command": "true"}


@dataclass
class Use:
    """One way to call a method: its arguments and the endpoints that it asks."""

    endpoints: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


USES: dict[str, list[Use]] = {
    "jobs.list": [Use("jobs_list")],
    "jobs.list_paginated": [Use("jobs_list")],
    "jobs.list_all": [Use("jobs_list")],
    "jobs.get": [
        Use("jobs_get", (JOB_ID,)),
        Use("jobs_get jobs_logs jobs_output", (JOB_ID,), {"include": ["logs", "outputs"]}),
        Use("jobs_get monitoring_job_metrics", (JOB_ID,), {"include": ["metrics"]}),
    ],
    "jobs.update": [Use("jobs_update", (JOB_ID,), {"priority": 1})],
    "jobs.cancel": [Use("jobs_update", (JOB_ID,))],
    "jobs.cancel_batch": [Use("jobs_update jobs_update", ([JOB_ID, JOB_ID],))],
    "jobs.delete": [Use("jobs_delete", (JOB_ID,))],
    "jobs.output": [Use("jobs_output", (JOB_ID,))],
    "jobs.logs": [Use("jobs_logs", (JOB_ID,))],
    "jobs.logs_stream": [Use("jobs_logs", (JOB_ID,))],
    "jobs.submit": [Use("jobs_create", (TEMPLATE,))],
    "jobs.submit_many": [Use("jobs_create jobs_create", ([TEMPLATE, TEMPLATE],))],
    "jobs.submit_from_file": [Use("jobs_create", ("job.yaml",))],
    "jobs.find": [Use("jobs_list", (KEY,))],
    "jobs.wait": [Use("jobs_get", (JOB_ID,))],
    "jobs.wait_all": [Use("jobs_get", ([JOB_ID],))],
    "jobs.as_completed": [Use("jobs_get", ([JOB_ID],))],
    "clusters.list": [Use("clusters_list"), Use("clusters_list", (), {"limit": 10})],
    "clusters.list_paginated": [Use("clusters_list")],
    "clusters.list_all": [Use("clusters_list")],
    "clusters.get": [
        Use("clusters_get", (CLUSTER_ID,)),
        Use("clusters_get clusters_nodes", (CLUSTER_ID,), {"include": ["nodes"]}),
        Use("clusters_get monitoring_cluster_metrics", (CLUSTER_ID,), {"include": "metrics"}),
    ],
    "clusters.usage": [Use("clusters_usage", (CLUSTER_ID,))],
    "clusters.nodes": [Use("clusters_nodes", (CLUSTER_ID,)), Use("clusters_nodes", (CLUSTER_ID,), {"limit": 10})],
    "clusters.scale": [Use("clusters_scale", (CLUSTER_ID,), {"nodes": 10})],
    "storage.list": [Use("storage_list", ("/datasets/",)), Use("storage_list", (), {"limit": 10})],
    "storage.list_paginated": [Use("storage_list", ("/datasets/",))],
    "storage.list_all": [Use("storage_list", ("/datasets/",))],
    "storage.get": [Use("storage_get", (FILE_ID,)), Use("storage_list", (PATH,))],
    "storage.exists": [Use("storage_get", (FILE_ID,)), Use("storage_list", (PATH,))],
    "storage.delete": [Use("storage_delete", (FILE_ID,)), Use("storage_list storage_delete", (PATH,))],
    "storage.upload": [Use("storage_upload", (CONTENT, PATH)), Use("storage_upload", (TREE / "a.txt", PATH))],
    "storage.upload_bytes": [Use("storage_upload", (CONTENT, PATH))],
    "storage.upload_string": [Use("storage_upload", (CONTENT.decode(), PATH))],
    "storage.upload_directory": [
        Use("storage_upload", (TREE, "/datasets/")),
        Use("storage_list storage_upload", (TREE, "/datasets"), {"sync": True}),
    ],
    "storage.download": [
        Use("storage_list storage_download", (PATH, "a.txt")),
        Use("storage_get storage_download", (FILE_ID, "a.txt")),
    ],
    "storage.download_to_file": [Use("storage_list storage_download", (PATH, BytesIO()))],
    "storage.download_directory": [Use("storage_list storage_download", ("/datasets/", "."))],
    "storage.download_to_bytes": [Use("storage_list storage_download", (PATH,))],
    "storage.download_to_string": [Use("storage_list storage_download", (PATH,))],
    "storage.open": [Use("storage_list", (PATH,)), Use("storage_get", (FILE_ID, "r"))],
    "storage.download_stream": [Use("storage_list storage_download", (PATH,))],
    "teams.list": [Use("teams_list"), Use("teams_list", (), {"limit": 10})],
    "teams.list_paginated": [Use("teams_list")],
    "teams.list_all": [Use("teams_list")],
    "teams.get": [Use("teams_get", (TEAM_ID,))],
    "teams.members": [Use("team_members_list", (TEAM_ID,)), Use("team_members_list", (TEAM_ID,), {"page": 1})],
    "teams.members_paginated": [Use("team_members_list", (TEAM_ID,))],
    "teams.members_all": [Use("team_members_list", (TEAM_ID,))],
    "teams.add_member": [Use("team_members_add", (TEAM_ID, USER_ID))],
    "teams.remove_member": [Use("team_members_remove", (TEAM_ID, USER_ID))],
    "users.me": [Use("users_me")],
    "users.update_me": [Use("users_update_me", (), {"name": "n"})],
    "users.jobs": [Use("users_jobs", (USER_ID,))],
    "users.jobs_paginated": [Use("users_jobs", (USER_ID,))],
    "users.jobs_all": [Use("users_jobs", (USER_ID,))],
    "billing.usage": [Use("billing_usage")],
    "billing.invoices": [Use("billing_invoices_list"), Use("billing_invoices_list", (), {"offset": 0})],
    "billing.invoices_paginated": [Use("billing_invoices_list")],
    "billing.invoices_all": [Use("billing_invoices_list")],
    "billing.invoice": [Use("billing_invoices_get", (INVOICE_ID,))],
    "monitoring.job_metrics": [Use("monitoring_job_metrics", (JOB_ID,))],
    "monitoring.cluster_metrics": [Use("monitoring_cluster_metrics", (CLUSTER_ID,))],
    "webhooks.list": [Use("webhooks_list"), Use("webhooks_list", (), {"limit": 10})],
    "webhooks.list_paginated": [Use("webhooks_list")],
    "webhooks.list_all": [Use("webhooks_list")],
    "webhooks.create": [Use("webhooks_create", ("https://example.com/hook", ["job.completed"]))],
    "webhooks.update": [Use("webhooks_update", (WEBHOOK_ID,), {"active": False})],
    "webhooks.delete": [Use("webhooks_delete", (WEBHOOK_ID,))],
}
