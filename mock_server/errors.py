"""What a handler raises to refuse a request; the family's dialect decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


SCHEDULER = "scheduler_error"
"""The code of what goes wrong behind the server; a family that has no word for it speaks of an internal error."""


class ApiError(Exception):
    """A refusal.  Without ``code`` the dialect chooses the word that belongs to the status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.details = None if details is None else dict(details)
        self.headers = dict(headers or {})

    @property
    def is_malformed(self) -> bool:
        """Whether the body as a whole could not be read: no JSON, or JSON of another type."""
        details = self.details or {}
        return details.get("field") == "" and details.get("code") in ("malformed_json", "invalid_type")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field of a request."""

    field: str
    code: str
    message: str


def invalid(faults: Sequence[Fault], message: str | None = None) -> ApiError:
    """Return the refusal for a request with these faults, the first of them in front unless there is a ``message``."""
    first = faults[0]
    errors = [{"field": fault.field, "code": fault.code, "message": fault.message} for fault in faults]
    own = f"{first.field}: {first.message}" if first.field else first.message
    return ApiError(400, message or own, details={"field": first.field, "code": first.code, "errors": errors})


def invalid_field(field: str, message: str, code: str = "invalid_value") -> ApiError:
    """Return the refusal for a single bad field."""
    return invalid([Fault(field, code, message)])
