"""Dependencies of a job as people write them, and as they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vantage_sdk.core.shapes import as_object
from vantage_sdk.models.s9s_job import Dependency

Dependencies = str | Dependency | Iterable[Dependency | Mapping[str, Any]]
_JOB = re.compile(r"[0-9]+(?:_(?:[0-9]+|\*))?", re.ASCII)


def bodies(dependencies: Dependencies) -> list[dict[str, Any]]:
    """Return dependencies as the API takes them.

    Raises ``TypeError`` for what are none, ``ValueError`` for a kind that there is not or text that is not Slurm's.
    """
    return [dependency.to_dict() for dependency in _each(dependencies)]


def _each(dependencies: Any) -> Iterator[Dependency]:
    if isinstance(dependencies, str):
        yield from _of_text(dependencies)
    elif isinstance(dependencies, Dependency):
        yield dependencies
    elif as_object(dependencies) is not None or not hasattr(dependencies, "__iter__"):
        raise TypeError(f"dependencies takes several, or text, not {type(dependencies).__name__}")
    else:
        for item in dependencies:
            yield item if isinstance(item, Dependency) else _of_mapping(item)


def _of_mapping(item: Any) -> Dependency:
    fields = as_object(item)
    if fields is None:
        raise TypeError(f"a dependency is a Dependency or a mapping, not {type(item).__name__}")
    if unknown := fields.keys() - {"type", "job_id"}:
        raise ValueError(f"a dependency has type and job_id, not {', '.join(sorted(unknown))}")
    if not isinstance(fields.get("type"), str):
        raise ValueError("a dependency needs a type, such as afterok")
    return Dependency(fields["type"], fields.get("job_id"))


def _of_text(text: str) -> Iterator[Dependency]:
    """Read what ``sbatch --dependency`` takes, as far as the API can say it: all of them must be met."""
    if "?" in text:
        raise ValueError("dependencies joined by '?' (any of them) cannot be sent: join them by ',' (all of them)")
    for part in text.split(","):
        kind, *jobs = part.strip().split(":")
        if not jobs:
            yield Dependency(kind)
        for job in jobs:
            if not _JOB.fullmatch(job):
                raise ValueError(f"a dependency is written like afterok:12:13, not {part[:60]!r}")
            yield Dependency(kind, job)
