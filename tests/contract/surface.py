"""The clients, their nouns, and what the documents show of their methods."""

from __future__ import annotations

import inspect
from typing import Any

from vantage_sdk import AsyncJobServiceClient, AsyncVantageClient, JobServiceClient, VantageClient

NOUNS = (
    *("billing", "clusters", "jobs", "keys", "monitoring", "node_types"),
    *("storage", "teams", "users", "webhooks", "workflows"),
)
SERVICES: dict[str, tuple[type[Any], type[Any], tuple[str, ...]]] = {
    "jobservice": (JobServiceClient, AsyncJobServiceClient, ("clusters", "health", "jobs", "metrics", "queues")),
}
"""The clients of the other services, and their nouns; here these are called ``jobservice.jobs`` and so on."""
ALL_NOUNS = (*NOUNS, *(f"{name}.{noun}" for name, (_, _, nouns) in SERVICES.items() for noun in nouns))
PAIRS = [(VantageClient, AsyncVantageClient)] + [(pair[0], pair[1]) for pair in SERVICES.values()]
NEEDED = inspect.Parameter.empty
SURFACE: dict[str, dict[str, Any]] = {
    "jobs.list": {"status": ..., "cluster": ..., "limit": None, "offset": None, "page_token": None},
    "jobs.list_paginated": {"page_size": None},
    "jobs.list_all": {},
    "jobs.submit": {"template": NEEDED, "cluster": ..., "priority": ..., "env": ...},
    "jobs.submit_from_file": {"path": NEEDED},
    "jobs.get": {"job_id": NEEDED, "include": ()},
    "jobs.logs": {"job_id": NEEDED, "tail": None, "since": None, "timestamps": None},
    "jobs.logs_stream": {"job_id": NEEDED, "tail": None, "since": None, "timestamps": None},
    "jobs.cancel": {"job_id": NEEDED, "reason": None},
    "jobs.cancel_batch": {"job_ids": NEEDED, "reason": None},
    "clusters.list": {"status": ..., "provider": ..., "region": ...},
    "clusters.get": {"name": NEEDED, "include": ()},
    "clusters.scale": {
        "name": NEEDED,
        "nodes": None,
        "min_nodes": None,
        "max_nodes": None,
        "target_utilization": None,
    },
    "storage.list": {"path": "/", "recursive": ..., "include_size": ..., "include_metadata": ...},
    "storage.upload": {"local_path": NEEDED, "remote_path": NEEDED, "progress_callback": None, "overwrite": False},
    "storage.upload_directory": {"local_dir": NEEDED, "remote_dir": NEEDED},
    "storage.upload_string": {"content": NEEDED, "remote_path": NEEDED},
    "storage.download": {"remote_path": NEEDED, "local_path": NEEDED, "progress_callback": None},
    "storage.download_directory": {"remote_dir": NEEDED, "local_dir": NEEDED},
    "storage.download_to_string": {"remote_path": NEEDED, "encoding": "utf-8"},
}
"""What the documents show, by parameter: its default, or ``...`` for one of the options that a method shares."""
