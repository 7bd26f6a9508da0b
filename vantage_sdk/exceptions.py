"""Everything the SDK raises on its own account.

VantageAPIError                     any failure of a call; the base of all
    ValidationError                 400, 422   the request is wrong; ``details`` names the field
    AuthenticationError             401        the credential is missing, wrong or expired
    AuthorizationError              403        the credential may not do this
    ResourceNotFoundError           404        no such thing, or not visible to the credential
        DataExpiredError            404        the stored rows of a workflow's run are gone; run it again
    ConflictError                   409        the state of the thing does not allow it
    RateLimitError                  429        too many requests; ``retry_after`` says how long to wait
    ServerError                     5xx        the server failed
    VantageConnectionError          no answer: refused, reset, cut, or no such host
        VantageTimeoutError         no answer in time
            DeadlineExceeded        the ``deadline`` of the call, or the ``timeout`` of a wait, has passed
        StreamInterrupted           a stream broke and could not be resumed without losing or repeating something
    SubmitOutcomeUnknown            the work may or may not have been accepted; ``idempotency_key`` tells later
    TransferError                   bytes could not be moved; nothing half-done is at their target
        IntegrityError              what arrived is not what was sent
    JobFailedError                  a job that was waited for did not succeed; ``job`` is its last state
    WorkflowFailedError             a workflow ran and failed; ``result`` is what it left behind
    WebhookVerificationError        a delivery is not to be trusted; ``check`` tells what was wrong
    ConfigError                     the client cannot be set up like this (also a ``ValueError``)

Arguments that are wrong in themselves raise the usual ``ValueError`` or ``TypeError`` before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from vantage_sdk.workflows.result import WorkflowResult

__all__ = [
    "Attempt",
    "AuthenticationError",
    "AuthorizationError",
    "ConfigError",
    "ConflictError",
    "DataExpiredError",
    "DeadlineExceeded",
    "IntegrityError",
    "JobFailedError",
    "RateLimitError",
    "ResourceNotFoundError",
    "ServerError",
    "StreamInterrupted",
    "SubmitOutcomeUnknown",
    "TransferError",
    "ValidationError",
    "VantageAPIError",
    "VantageConnectionError",
    "VantageTimeoutError",
    "WebhookVerificationError",
    "WorkflowFailedError",
]


E = TypeVar("E", bound="VantageAPIError")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed try of a call: its number from 1, why it failed, and the seconds waited after it (``None``: the last)."""

    number: int
    cause: str
    wait: float | None = None
    status_code: int | None = None
    request_id: str | None = None


def _rebuild(cls: type[E], state: dict[str, Any]) -> E:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = (state["message"],)
    return error


class VantageAPIError(Exception):
    """A call failed.

    ``status_code``, ``code``, ``message``, ``details`` and ``request_id`` are what the server said (``None`` where it said
    nothing); ``retry_after`` is in seconds, rounded up; ``attempts`` lists every failed try; ``idempotency_key`` is the
    key that the call carried, if any.
    """

    _passing = False  # whether a transfer may go on after it

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        details: Any = None,
        request_id: str | None = None,
        retry_after: int | None = None,
        idempotency_key: str | None = None,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.code = code
        self.details = details
        self.request_id = request_id
        self.retry_after = retry_after
        self.idempotency_key = idempotency_key
        self.method = method
        self.path = path
        self.attempts: tuple[Attempt, ...] = ()
        self.max_attempts: int | None = None

    def __str__(self) -> str:
        head = " ".join(str(part) for part in (self.status_code, self.code) if part is not None)
        line = f"{head}: {self.message}" if head else self.message
        return f"{line} ({where})" if (where := ", ".join(self._where())) else line

    def _where(self) -> list[str]:
        parts = [f"{self.method} {self.path}"] if self.method else []
        if self.request_id:
            parts.append(self.request_id)
        if self.attempts and self.max_attempts:
            parts.append(f"attempt {self.attempts[-1].number} of {self.max_attempts}")
        return parts

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)

    def _as_kind(self, kind: type[E]) -> E:
        """Return the same facts as another class of error."""
        return _rebuild(kind, dict(self.__dict__))


class ValidationError(VantageAPIError):
    """The server refused the request as wrong (400, 422)."""


class AuthenticationError(VantageAPIError):
    """The credential is missing, wrong or expired (401)."""


class AuthorizationError(VantageAPIError):
    """The credential does not allow this call (403)."""


class ResourceNotFoundError(VantageAPIError):
    """No such thing, or none that the credential may see (404)."""


class DataExpiredError(ResourceNotFoundError):
    """The stored rows of a workflow's run have expired, or never existed (404, ``DATA_EXPIRED``).

    ``result.again()`` runs the workflow once more with the same parameters.
    """


class ConflictError(VantageAPIError):
    """The current state does not allow the call (409)."""


class RateLimitError(VantageAPIError):
    """Too many requests (429); ``retry_after`` is the wait in seconds if the server told one."""


class ServerError(VantageAPIError):
    """The server failed (5xx)."""


class VantageConnectionError(VantageAPIError):
    """No HTTP answer came back: refused, reset, cut short, or no such host."""


class VantageTimeoutError(VantageConnectionError):
    """No HTTP answer came back in time."""


class DeadlineExceeded(VantageTimeoutError):
    """The ``deadline`` of a call or the ``timeout`` of a wait passed; the cause, if any, is the last failure."""


class StreamInterrupted(VantageConnectionError):
    """A stream broke and going on would lose or repeat something; what was delivered so far is right."""


class SubmitOutcomeUnknown(VantageAPIError):
    """The connection failed after the request may have arrived, so the work may have been accepted.

    ``idempotency_key`` identifies it: ``client.jobs.find(key)`` tells later, and submitting again with the same
    ``idempotency_key=`` cannot create a second job on a server that honours the key.
    """


class TransferError(VantageAPIError):
    """Bytes could not be moved: the source changed meanwhile, or the server's answers do not fit together.

    What was at the target before is still there.
    """


class IntegrityError(TransferError):
    """What arrived is not what was sent: size or digest differ, also after a second try.

    A downloaded file was not put at its target; an uploaded one was removed again where the server allowed it.
    """


class JobFailedError(VantageAPIError):
    """A job that was waited for with ``raise_on_failure`` ended without success; ``job`` is its last state, of its family."""

    def __init__(self, message: str, *, job: Any) -> None:
        super().__init__(message)
        self.job = job


class WorkflowFailedError(VantageAPIError):
    """A workflow was executed and failed; ``result`` is what it left behind, with ``result.error`` saying why."""

    def __init__(self, message: str, *, result: WorkflowResult[Any]) -> None:
        super().__init__(message, request_id=result.meta.request_id)
        self.result = result


class WebhookVerificationError(VantageAPIError):
    """A delivery of a webhook is not to be trusted, and nothing in it was used.

    ``check`` names what failed: ``id``, ``timestamp`` or ``signature`` for the header of this name, ``body``, or ``replay``.  No
    message holds a secret or a signature.
    """

    def __init__(self, message: str, *, check: str) -> None:
        super().__init__(message)
        self.check = check


class ConfigError(VantageAPIError, ValueError):
    """The client cannot be set up like this; the message names the setting, where it came from and the way out."""
