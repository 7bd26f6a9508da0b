"""What makes one API family differ from another: words, envelope, budget and credentials, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mock_server.errors import SCHEDULER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.auth import Credential
    from mock_server.errors import ApiError
    from mock_server.routes import Endpoint


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """How many requests one credential may make in a window of so many seconds; no limit is ``None``.

    ``announced`` tells callers how long the window is.  What has another ``name`` is counted apart.
    """

    limit: int | None
    window: float
    announced: bool = False
    name: str = ""


class Envelope(Protocol):
    """What a family puts around its answers; ``bare`` are those whose parts stand at the top."""

    def wrap(self, answer: Any, request_id: str, now: float, *, bare: bool) -> dict[str, Any]: ...
    def schema(self, answer: dict[str, Any], *, bare: bool) -> dict[str, Any]:
        """Return the JSON schema of what is wrapped, for the description of the API."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """The manners of one family.

    ``mount`` is an optional prefix in front of the documented paths, for a family that shares its paths with another.
    ``hosts`` are the names under which the documents show it.  ``aliases`` are further forms of ``prefix``.  A family that
    is not ``by_path`` needs its port, its host or its mount, because its paths alone lead to another one.  ``nouns`` are
    all that may follow ``prefix``, of a family that shares it without overlap.
    ``tiers`` are the budgets of credentials that have another one than ``rate``, and ``rates`` those of endpoints, by id.
    ``error_body`` renders a refusal; it is given the code, the request id and the time as well.  ``malformed`` is the word
    for a body that cannot be read at all, if that is another one, ``scheduler`` that for a fault behind the server.  ``envelope`` wraps answers.  ``open_to_browsers`` lets
    pages of any origin call.
    """

    name: str
    title: str
    prefix: str
    mount: str
    codes: Mapping[int, str]
    rate: RatePolicy
    credentials: tuple[Credential, ...]
    error_body: Callable[[ApiError, str, str, float], dict[str, Any]]
    error_model: Any
    error_examples: Mapping[int, str] = field(default_factory=dict[int, str])
    hosts: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    by_path: bool = True
    nouns: frozenset[str] = frozenset()
    tiers: Mapping[str, RatePolicy] = field(default_factory=dict[str, "RatePolicy"])
    rates: Mapping[str, RatePolicy] = field(default_factory=dict[str, "RatePolicy"])
    security: Mapping[str, dict[str, Any]] = field(
        default_factory=lambda: {"bearer": {"type": "http", "scheme": "bearer"}}
    )
    in_capitals: bool = False
    malformed: str | None = None
    scheduler: str | None = None
    envelope: Envelope | None = None
    open_to_browsers: bool = False

    def claims(self, path: str) -> bool:
        """Tell whether ``path``, which has no mount, is this family's."""
        if not path.startswith(self.prefix + "/"):
            return False
        return not self.nouns or path[len(self.prefix) + 1 :].partition("/")[0] in self.nouns

    def policy(self, endpoint: Endpoint | None, credential: Credential | None) -> RatePolicy:
        """Return the budget that a request is counted against."""
        own = None if endpoint is None else self.rates.get(endpoint.id)
        return own or (self.rate if credential is None else self.tiers.get(credential.tier, self.rate))

    def code(self, error: ApiError) -> str:
        """Return the family's word for ``error``."""
        if self.malformed is not None and error.is_malformed:
            return self.malformed
        if error.code == SCHEDULER:
            return self.scheduler or self.codes.get(error.status, self.codes[500])
        word = error.code or self.codes.get(error.status, "internal_error")
        return word.upper() if self.in_capitals else word
