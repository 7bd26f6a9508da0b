"""One logical call while it lasts: what stays the same over its attempts, and what they have come to."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from vantage_sdk.core.deadline import Deadline, seconds
from vantage_sdk.core.io.port import Wire
from vantage_sdk.core.redirects import anonymous
from vantage_sdk.core.shapes import as_object, is_whole
from vantage_sdk.core.urls import expand
from vantage_sdk.exceptions import Attempt

if TYPE_CHECKING:
    from vantage_sdk.config import Config
    from vantage_sdk.core.io.port import Body
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.scrub import Secret

USER_HEADERS_REFUSED = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "transfer-encoding",
        "x-api-key",
    }
)


@dataclass(slots=True, repr=False)
class Call:
    """A request, its fixed bytes and key, its limits, and the trail of failed attempts."""

    request: Request[Any]
    target: str
    body: bytes | Body
    key: str | None
    deadline: Deadline | None
    timeout: float | None
    max_attempts: int
    base: str
    extra_headers: Mapping[str, str]
    begun: float = field(default_factory=time.monotonic)
    trail: list[Attempt] = field(default_factory=list[Attempt])
    hint: float | None = None
    tokens: int = 0
    ambiguous: bool = False
    renewed: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def shown_path(self) -> str:
        """The whole path, as errors and the log show it."""
        return self.base + self.path

    def attempt_end(self, *, spaced: bool = False) -> float | None:
        """Return the instant by which an attempt that begins now must be over; of a ``spaced`` one only silence is timed."""
        ends = (None if self.deadline is None else self.deadline.at, _until(None if spaced else self.timeout))
        return min((end for end in ends if end is not None), default=None)


def prepare(request: Request[Any], options: Mapping[str, Any], config: Config) -> Call:
    """Fix everything that must not change from one attempt to the next; all checks of arguments happen here."""
    target = expand(request.path, request.values) if request.values else request.path
    if not target.startswith("/"):
        raise ValueError(f"a path starts with '/', not {target[:40]!r}")
    query = {name: text(value) for name, value in request.query.items() if value is not None}
    retries = retries_of(options, config)
    timeout = options["timeout"] if "timeout" in options else config.timeout
    return Call(
        request=request,
        target=f"{target}?{urlencode(query)}" if query else target,
        body=request.content if request.json is None else encode(request.json),
        key=_key(request),
        deadline=Deadline.after(options.get("deadline", config.deadline)),
        timeout=seconds(timeout, "timeout"),
        max_attempts=retries + 1,
        base="" if request.origin is not None else config.mount if request.rooted else config.path_prefix,
        extra_headers=_checked(options.get("extra_headers") or {}),
    )


def retries_of(options: Mapping[str, Any], config: Config) -> int:
    """Return how many attempts may follow the first."""
    retries = options.get("max_retries", config.max_retries)
    if not is_whole(retries, 0):
        raise ValueError(f"max_retries is a number of attempts from 0, not {retries!r}")
    return cast("int", retries)


def _key(request: Request[Any]) -> str | None:
    if request.method not in ("POST", "PATCH") or request.grant is not None:
        return None
    key = request.idempotency_key
    if key is None:
        return str(uuid.uuid4())
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"idempotency_key takes text, not {type(key).__name__}")
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= 255:
        raise ValueError("idempotency_key takes 1 to 255 printable ASCII characters")
    return key


def _checked(given: Any) -> Mapping[str, str]:
    headers = as_object(given)
    if headers is None:
        raise TypeError(f"extra_headers takes a mapping, not {type(given).__name__}")
    for name, value in headers.items():
        if not isinstance(value, str):
            raise TypeError(f"extra_headers takes texts, not {name!r}: {type(value).__name__}")
        if name.lower() in USER_HEADERS_REFUSED:
            raise ValueError(f"extra_headers cannot set {name!r}: the client does")
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise ValueError(f"extra_headers: {name[:80]!r} is no header name")
        if any((ord(character) < 32 and character != "\t") or ord(character) > 255 for character in value):
            raise ValueError(f"extra_headers: the value of {name!r} has a character that no header may have")
    return headers


def wire(call: Call, config: Config, secret: Secret | None, *, stream: bool) -> Wire:
    """Return the next attempt of ``call``; the only place where a credential meets a request."""
    request, scheme, body = call.request, config.credential.scheme, call.body
    spaced = stream or request.bulk
    headers = [(b"Host", config.host.encode("ascii"))]
    if secret is not None:
        headers.append((scheme.header.encode("ascii"), scheme.form.format(secret.reveal()).encode("ascii")))
    headers += [
        (b"User-Agent", config.user_agent.encode("ascii")),
        (b"Accept", request.accept.encode("ascii")),
        (b"Accept-Encoding", b"identity" if stream else b"gzip"),
    ]
    if config.organization is not None:
        headers.append((b"X-Organization-ID", config.organization.encode("ascii")))
    if request.grant is not None:
        body = encode(
            {
                "client_id": request.grant.client_id,
                "client_secret": request.grant.client_secret.reveal(),
                "grant_type": "client_credentials",
            }
        )
    if request.json is not None or request.grant is not None:
        headers.append((b"Content-Type", b"application/json"))
    if call.key is not None:
        headers.append((b"Idempotency-Key", call.key.encode("ascii")))
    if added := [*request.headers.items(), *call.extra_headers.items()]:
        names = {name.lower().encode("ascii") for name, _ in added}
        headers = [header for header in headers if header[0].lower() not in names]
        headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in added]
    sent = Wire(
        method=request.method,
        origin=config.origin,
        target=call.base + call.target,
        headers=tuple(headers),
        body=body,
        at=call.attempt_end(spaced=spaced),
        idle=call.timeout if spaced else None,
        limit=config.max_response_bytes,
        bulk=request.bulk,
    )
    return sent if request.is_for(config.origin) else anonymous(sent, request.origin or config.origin)


def _until(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def encode(value: Any) -> bytes:
    """Return compact JSON; NaN and infinity are refused, they are no JSON (RFC 8259).

    Raises ``TypeError`` or ``ValueError`` that names the field which cannot be sent.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        problem = kind(f"{culprit(as_object(value) or {})} cannot be sent as JSON: {error}")
    raise problem


def culprit(value: Mapping[str, Any]) -> str:
    """Return the name of the first field that is no JSON."""
    for name, part in value.items():
        try:
            json.dumps({name: part}, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError):
            return str(name)
    return "the body"


def text(value: Any) -> str:
    """Return a query value as the APIs write it: ``true``, comma-joined lists, ISO 8601 with ``Z``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(text(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return str(value)


def timestamp(value: datetime) -> str:
    """Return an aware time in ISO 8601 and UTC; raise ``ValueError`` for a naive one."""
    if value.tzinfo is None:
        raise ValueError("a datetime needs a time zone, for example datetime.now(UTC)")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
