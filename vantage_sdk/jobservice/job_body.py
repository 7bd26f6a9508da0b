"""What a new job is made of, checked before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from vantage_sdk.core.arguments import as_count, as_text
from vantage_sdk.core.shapes import as_object, flag
from vantage_sdk.models.base import Model
from vantage_sdk.models.jobservice.job import Gang, JobServiceResources, RetryPolicy
from vantage_sdk.models.quantity import Quantity

LARGEST_PRIORITY = 100
Resources = JobServiceResources | Mapping[str, Any]
Fields = Model | Mapping[str, Any]


def job_body(
    job_type: str,
    image: str,
    *,
    priority: int | None,
    config: Mapping[str, Any] | None,
    resources: Resources | None,
    gang: Gang | Mapping[str, Any] | None,
    timeout_seconds: float | timedelta | None,
    retry_policy: RetryPolicy | Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the body for a new job, without what is not given; raise ``TypeError`` or ``ValueError`` that names the field."""
    body = {
        "job_type": as_text(job_type, "job_type"),
        "priority": None if priority is None else _priority(priority),
        "image": as_text(image, "image"),
        "config": None if config is None else _fields("config", config),
        "resources": None if resources is None else _resources(_fields("resources", resources)),
        "gang": None if gang is None else _gang(_fields("gang", gang)),
        "timeout_seconds": None if timeout_seconds is None else _whole_seconds(timeout_seconds),
        "retry_policy": None if retry_policy is None else _retry_policy(_fields("retry_policy", retry_policy)),
    }
    return {name: value for name, value in body.items() if value is not None}


def _priority(value: Any) -> int:
    if as_count(value, "priority", 0) > LARGEST_PRIORITY:
        raise ValueError(f"priority is a number from 0 to {LARGEST_PRIORITY}, not {value}")
    return int(value)


def _fields(name: str, value: Fields) -> dict[str, Any]:
    found = value.to_dict() if isinstance(value, Model) else as_object(value)
    if found is None:
        raise TypeError(f"{name} takes a mapping, not {type(value).__name__}")
    return dict(found)


def _resources(given: dict[str, Any]) -> dict[str, Any]:
    for name in ("cpu", "memory"):
        if given.get(name) is not None:
            given[name] = str(_quantity(f"resources: {name}", given[name]))
    _check_count("resources: gpu", given.get("gpu"), 0)
    return given


def _quantity(name: str, value: Any) -> Quantity:
    try:
        quantity = Quantity(value)
    except (TypeError, ValueError) as error:
        problem = type(error)(f"{name}: {error}")
    else:
        if quantity >= 0:
            return quantity
        problem = ValueError(f"{name}: {value!r} is less than nothing")
    raise problem


def _gang(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("enabled") is not None:
        flag("gang: enabled", given["enabled"])
    _check_count("gang: min_members", given.get("min_members"), 1)
    return given


def _retry_policy(given: dict[str, Any]) -> dict[str, Any]:
    _check_count("retry_policy: max_retries", given.get("max_retries"), 0)
    factor = given.get("backoff_multiplier")
    if factor is not None and (isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0):
        raise ValueError(f"retry_policy: backoff_multiplier is a number above 0, not {factor!r}")
    return given


def _check_count(name: str, value: Any, least: int) -> None:
    if value is not None:
        as_count(value, name, least)


def _whole_seconds(value: Any) -> int:
    given = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    return as_count(given, "timeout_seconds", 1)
