"""From the keywords of a submission to the documented request body."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from vantage_sdk.core.arguments import as_count, as_text, as_texts
from vantage_sdk.core.request import CallOptions
from vantage_sdk.models.duration import Duration
from vantage_sdk.s9s.dependencies import Dependencies, bodies

Time = str | float | timedelta
_INDEX = r"[0-9]+(?:-[0-9]+(?::[0-9]+)?)?"
_ARRAY = re.compile(rf"{_INDEX}(?:,{_INDEX})*(?:%[0-9]+)?", re.ASCII)


class S9SSubmitOptions(CallOptions, total=False):
    """What a submission can say of the job beside its name and script.

    ``partition``, ``account``, ``qos``: names; ``nodes``: how many, ``cpus_per_node``: processors of each; ``memory``: text with
    a unit, ``64GB``; ``gpus``: how many; ``time_limit``: a ``Duration``, its text (``4:00:00``), a ``timedelta`` or seconds;
    ``working_directory``, ``standard_output``, ``standard_error``: paths on the cluster, in which ``%j`` is the job id;
    ``environment``: variables.

    ``dependencies``: a list of ``Dependency``, or the text that Slurm takes (``afterok:12:13,afterany:14``), all of which must be
    met.  ``array``: the indices of a job array as Slurm writes them, ``0-31%4``, which not every server knows.

    ``job_name``: the same as ``name``; ``idempotency_key``: yours instead of a new one, at most 255 printable ASCII
    characters: the same key cannot create a second job.
    """

    job_name: str | None
    partition: str | None
    nodes: int | None
    cpus_per_node: int | None
    memory: str | None
    gpus: int | None
    time_limit: Time | None
    account: str | None
    qos: str | None
    working_directory: str | None
    standard_output: str | None
    standard_error: str | None
    environment: Mapping[str, str] | None
    dependencies: Dependencies | None
    array: str | None
    idempotency_key: str | None


def submission(name: str | None, script: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body; raise ``TypeError`` or ``ValueError`` naming the field for what no server could accept."""
    job_name = given.get("job_name")
    if name is not None and job_name not in (None, name):
        raise ValueError("name and job_name are two ways to say the same: give one of them")
    wanted = {**given, "job_name": job_name if name is None else name, "script": script}
    checked = {field: check(wanted[field], field) for field, check in _FIELDS.items() if wanted.get(field) is not None}
    if "script" not in checked:
        raise ValueError("script is missing: a job needs a path, or a command line")
    return checked


def _array(value: Any, name: str) -> str:
    text = as_text(value, name)
    if not _ARRAY.fullmatch(text):
        raise ValueError(f"{name} takes indices as Slurm writes them, like 0-31%4 or 1,3,5-9:2, not {text[:60]!r}")
    return text


def span(value: Any, name: str) -> str:
    """Return a span of time as text, as it was given if it was text."""
    try:
        return str(Duration(value))
    except (TypeError, ValueError) as error:
        problem = type(error)(f"{name}: {error}")
    raise problem


def _dependencies(value: Any, _: str) -> list[dict[str, Any]]:
    return bodies(value)


_one, _none = partial(as_count, least=1), partial(as_count, least=0)
_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "job_name": as_text,
    "script": as_text,
    "partition": as_text,
    "nodes": _one,
    "cpus_per_node": _one,
    "memory": as_text,
    "gpus": _none,
    "time_limit": span,
    "account": as_text,
    "qos": as_text,
    "working_directory": as_text,
    "standard_output": as_text,
    "standard_error": as_text,
    "environment": as_texts,
    "dependencies": _dependencies,
    "array": _array,
}
