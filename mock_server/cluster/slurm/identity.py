"""What ties a job of the API to one of Slurm: the form of its id, and a tag that travels as Slurm's comment."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mock_server.cluster.job import IdForm, JobRequest

PREFIXES: dict[IdForm, str] = {"platform": "job_", "jobservice": "job-", "s9s": ""}
KEYS = ("platform.idempotency_key", "jobservice.idempotency_key", "s9s.idempotency_key")
"""Where the families keep a request's idempotency key among its extras."""

_MARK = "vantage:"

GateMark = Literal["held", "exempt"]
"""What the server has done with a job that waits: it holds it itself, or lets it pass whatever the limit of its queue."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Who submitted a job through which family, and the token under which it is found again.

    ``time_limit`` are the seconds that were asked for, where Slurm counts minutes.
    """

    user_id: str
    form: IdForm
    token: str
    queue: str | None = None
    time_limit: float | None = None
    gate: GateMark | None = None

    def text(self) -> str:
        """Return the comment of a job."""
        content: dict[str, Any] = {"u": self.user_id, "f": self.form, "t": self.token}
        optional = {"q": self.queue, "l": self.time_limit, "g": self.gate}
        content |= {name: value for name, value in optional.items() if value is not None}
        return _MARK + json.dumps(content, separators=(",", ":"))


def key_of(request: JobRequest) -> str | None:
    """Return the idempotency key of a request, whichever family took it."""
    if request.idempotency_key is not None:
        return request.idempotency_key
    return next((str(request.extras[name]) for name in KEYS if name in request.extras), None)


def tag_of(request: JobRequest) -> Tag:
    """Return the tag of a request; the same request under the same idempotency key has the same token."""
    key = key_of(request)
    token = secrets.token_hex(12)
    if key is not None:
        said = (request.user_id, key, request.name, request.command, request.id_form, request.array)
        token = "k" + blake2b(repr(said).encode(), digest_size=12).hexdigest()
    return Tag(request.user_id, request.id_form, token, request.queue, request.time_limit)


def parse_tag(comment: str) -> Tag | None:
    """Return the tag in a comment; jobs that others submitted have none."""
    return _parsed(comment) if comment.startswith(_MARK) else None


@lru_cache(64)
def _parsed(comment: str) -> Tag | None:
    """Return the tag in a comment, which all tasks of an array have, in each list anew."""
    try:
        content = json.loads(comment[len(_MARK) :])
        user, form, token, queue = content["u"], content["f"], content["t"], content.get("q")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if form not in PREFIXES or not isinstance(user, str) or not isinstance(token, str):
        return None
    limit, gate = content.get("l"), content.get("g")
    return Tag(
        user,
        form,
        token,
        queue if isinstance(queue, str) else None,
        float(limit) if isinstance(limit, int | float) and limit > 0 else None,
        gate if gate in {"held", "exempt"} else None,
    )


def job_id(form: IdForm, key: str | int) -> str:
    """Return the id that a family gives to the job that Slurm calls ``key``."""
    return f"{PREFIXES[form]}{key}"


def slurm_key(job_id: str) -> str:
    """Return what Slurm calls the job with this id."""
    return job_id[4:] if job_id.startswith(("job_", "job-")) else job_id
