"""The job service family: AI jobs, their queues and clusters, metrics and health."""
