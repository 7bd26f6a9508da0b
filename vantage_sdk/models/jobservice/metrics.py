"""What the job service measures of itself."""

from __future__ import annotations

from pydantic import Field

from vantage_sdk.models.base import Model


class JobCounts(Model):
    """Jobs of the last 24 hours; ``success_rate`` is the share of those submitted that completed, from 0 to 1."""

    total_submitted_24h: int | None = None
    total_completed_24h: int | None = None
    total_failed_24h: int | None = None
    success_rate: float | None = None


class Latency(Model):
    """Percentiles: milliseconds until a job is dispatched, and seconds that jobs run."""

    dispatch_p50_ms: float | None = None
    dispatch_p99_ms: float | None = None
    execution_p50_seconds: float | None = None
    execution_p99_seconds: float | None = None


class Throughput(Model):
    """Jobs a second, now and at most."""

    jobs_per_second: float | None = None
    peak_jobs_per_second: float | None = None


class SystemMetrics(Model):
    """What the job service measures of itself."""

    jobs: JobCounts = Field(default_factory=JobCounts)
    latency: Latency = Field(default_factory=Latency)
    throughput: Throughput = Field(default_factory=Throughput)
