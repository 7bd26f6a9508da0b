"""Tokens that a server gives for a client's id and secret: OAuth 2, client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.attempt import tried, whole
from vantage_sdk.core.call import prepare
from vantage_sdk.core.request import Request
from vantage_sdk.core.retry import Cause, passes
from vantage_sdk.core.scrub import Secret, unfit
from vantage_sdk.core.shapes import as_object
from vantage_sdk.core.tokens import Failure, Token
from vantage_sdk.exceptions import AuthenticationError, DeadlineExceeded, VantageAPIError

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.call import Call
    from vantage_sdk.core.credentials import Grant
    from vantage_sdk.core.deadline import Deadline
    from vantage_sdk.core.sending import Sender

PATH = "/oauth/token"
SHARE, BEFORE = 0.8, 60.0  # of its life, and seconds before its end: whichever comes later
log = logging.getLogger("vantage_sdk")


class Granted:
    """Tokens of ``/oauth/token`` at the server of ``base_url``."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    async def fetch(self, sender: Sender, limit: Deadline | None, /) -> Token | Failure | None:
        """Ask once; whether to ask again is for the call that needs the token."""
        request = Request("POST", PATH, _body, rooted=True, grant=self._grant)
        call = prepare(request, {"deadline": limit}, sender.config)
        rules, begun = sender.rules(call), time.monotonic()
        outcome = await tried(sender, call, rules, sender.io.exchange, whole, stream=False)
        if not isinstance(outcome, VantageAPIError):
            log.debug("POST %s -> %d", call.shown_path, outcome.status)
            return _read(outcome, begun, call)
        if isinstance(outcome, DeadlineExceeded):
            return None
        log.debug("POST %s -> %s", call.shown_path, outcome.status_code or outcome.message)
        return _failure(outcome, rules.cause, call.hint)

    def secrets(self) -> Sequence[Secret]:
        return (self._grant.client_secret,)

    def shown(self) -> Mapping[str, str]:
        return {"client_id": self._grant.client_id, "client_secret": str(self._grant.client_secret)}


def _failure(error: VantageAPIError, cause: Cause, hint: float | None) -> Failure:
    """Return what the failed request for a token means for the call that needs one: the call itself was never sent."""
    refused = error.status_code in (400, 401, 403)
    problem = error._as_kind(AuthenticationError if refused else type(error))
    problem.message = f"no access token: {error.message}"
    if not passes(cause):
        return Failure(problem)
    return Failure(problem, Cause.REFUSED if error.status_code == 429 else Cause.UNSENT, hint)


def _read(answer: Answer, begun: float, call: Call) -> Token | Failure:
    found = _body(answer)
    text, kind, life = found.get("access_token"), found.get("token_type", "Bearer"), _seconds(found.get("expires_in"))
    why = None
    if not isinstance(text, str) or not text or unfit(text) is not None:
        why = "the answer has no access_token that a header can carry"
    elif not isinstance(kind, str) or kind.lower() != "bearer":
        why = "the token is of another type than Bearer"
    if why is not None or not isinstance(text, str):
        problem = VantageAPIError(f"no access token: {why}", status_code=answer.status, code="invalid_response")
        problem.method, problem.path, problem.request_id = call.request.method, call.shown_path, answer.request_id
        return Failure(problem)
    if life is None:
        return Token.of(text)
    return Token(Secret(text), begun + max(SHARE * life, life - BEFORE), begun + life, time.monotonic)


def _body(answer: Answer) -> Mapping[str, Any]:
    try:
        return as_object(json.loads(answer.body)) or {}
    except (ValueError, RecursionError):
        return {}


def _seconds(value: Any) -> float | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:18])
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12
    return float(value) if usable else None
