"""What makes one API family differ from another: words, envelope, budget and credentials, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.auth import Credential
    from mock_server.errors import ApiError


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """How many requests one credential may make in a window of so many seconds."""

    limit: int
    window: float


@dataclass(frozen=True, slots=True)
class Dialect:
    """The manners of one family.

    ``mount`` is an optional prefix in front of the documented paths, for a family that shares its paths with another.
    ``error_body`` renders a refusal; it is given the code and the request id as well.
    """

    name: str
    title: str
    prefix: str
    mount: str
    codes: Mapping[int, str]
    rate: RatePolicy
    credentials: tuple[Credential, ...]
    error_body: Callable[[ApiError, str, str], dict[str, Any]]
    error_model: Any
    error_examples: Mapping[int, str] = field(default_factory=dict[int, str])

    def code(self, error: ApiError) -> str:
        """Return the family's word for ``error``."""
        return error.code or self.codes.get(error.status, "internal_error")
