"""Tokens that have to be asked for: once for all who need one, ahead of their end, and after a 401.

Rule 1: any number of threads and tasks ask once; a failure is told to all who wait, and the next call asks anew.
Rule 2: a token that the server refused is never shown again, unless it is given out again.
Rule 3: nobody waits longer than the call allows, and whoever stops waiting does not stop the others.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from vantage_sdk.core.credentials import BEARER, Scheme
from vantage_sdk.core.io.flights import Flight, Hangar
from vantage_sdk.core.jwt import expiry
from vantage_sdk.core.retry import Cause
from vantage_sdk.core.scrub import Secret, unfit
from vantage_sdk.exceptions import AuthenticationError, DeadlineExceeded, VantageAPIError, VantageTimeoutError

if TYPE_CHECKING:
    from vantage_sdk.core.call import Call
    from vantage_sdk.core.deadline import Deadline
    from vantage_sdk.core.retry import Rules
    from vantage_sdk.core.sending import Sender

log = logging.getLogger("vantage_sdk")
LEEWAY = 30.0
TokenSource = Callable[[], str | Awaitable[str]]
REMEMBERED = 4  # tokens that calls under way may still carry, and servers repeat
_fetching: ContextVar[Tokens | None] = ContextVar("fetching", default=None)


@dataclass(frozen=True, slots=True)
class Token:
    """A token; from ``due`` on, an instant of ``clock``, the next one is asked for, and at ``ends`` it is of no use."""

    secret: Secret
    due: float | None = None
    ends: float | None = None
    clock: Callable[[], float] = time.time

    @property
    def is_fresh(self) -> bool:
        return self.due is None or self.clock() < self.due

    @property
    def is_over(self) -> bool:
        return self.ends is not None and self.clock() >= self.ends

    @classmethod
    def of(cls, text: str) -> Token:
        """Return a token that says itself when it ends, if it is a JWT.

        One that is over when it comes tells of clocks that differ, and is used until the server refuses it.
        """
        ends = expiry(text)
        return cls(Secret(text)) if ends is None or ends <= time.time() else cls(Secret(text), ends - LEEWAY, ends)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no token, what that means for a repeat, and how long the server asks to wait."""

    error: VantageAPIError
    cause: Cause = Cause.FINAL
    hint: float | None = None


class Source(Protocol):
    """Where tokens come from."""

    async def fetch(self, sender: Sender, limit: Deadline | None, /) -> Token | Failure | None:
        """Return the next token, or why there is none; ``None`` if ``limit`` was over, which is that of one call only."""
        ...

    def secrets(self) -> Sequence[Secret]: ...
    def shown(self) -> Mapping[str, str]: ...


class Tokens:
    """A credential that is asked for."""

    scheme: Scheme = BEARER

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hangar: Hangar[Token | Failure] = Hangar()
        self._token: Token | None = None
        self._known: deque[Secret] = deque(maxlen=REMEMBERED)

    @property
    def current(self) -> Secret | None:
        """The token if it is still good for a while."""
        token = self._token
        return token.secret if token is not None and token.is_fresh else None

    def refuse(self, secret: Secret) -> None:
        """Forget a token that the server did not accept, unless there is another one by now."""
        token = self._token
        if token is not None and token.secret is secret:
            self._token = None

    async def obtain(self, sender: Sender, call: Call, rules: Rules) -> Secret | VantageAPIError:
        """Return a token for the next request of ``call``, or why there is none, which ``rules`` are told as well."""
        if _fetching.get() is self:
            return _told(_failed("the function given as token= makes calls of the client that it is for"), call, rules)
        until = call.attempt_end()
        while True:
            flight, is_new = self._hangar.board(lambda: self.current is not None)
            if flight is None:
                if (secret := self.current) is not None:
                    return secret
                continue
            if is_new:
                # a task of its own outlives the call that began it, in a blocking client there is none
                limit = None if sender.io.suspends else call.deadline
                await sender.io.launch(partial(self._fly, flight, sender, limit), flight)
            left = None if until is None else until - time.monotonic()
            is_over = await sender.io.landed(flight, left)
            outcome = flight.outcome
            if isinstance(outcome, Token):
                return outcome.secret
            if outcome is not None:
                return _told(outcome, call, rules)
            if not is_over or (left is not None and left <= 0):
                return _told(Failure(_late(call), Cause.UNSENT), call, rules)

    async def _fly(self, flight: Flight[Token | Failure], sender: Sender, limit: Deadline | None) -> None:
        outcome: Token | Failure | None = None
        mark = _fetching.set(self)
        try:
            outcome = self._still_good(await self._source.fetch(sender, limit))
        finally:
            _fetching.reset(mark)
            if isinstance(outcome, Token):
                if outcome.secret not in self._known:
                    self._known.append(outcome.secret)
                self._token = outcome
            flight.land(outcome)

    def _still_good(self, outcome: Token | Failure | None) -> Token | Failure | None:
        """Put up with a failure while the token before is good: ask again when half of the time that is left is over."""
        old = self._token
        if not isinstance(outcome, Failure) or old is None or old.ends is None or old.is_over:
            return outcome
        log.warning("the token could not be renewed and is used on: %s", outcome.error)
        now = old.clock()
        return Token(old.secret, now + (old.ends - now) / 2, old.ends, old.clock)

    def secrets(self) -> Sequence[Secret]:
        """Return all that must not be seen in any text."""
        return (*self._source.secrets(), *self._known)

    def shown(self) -> Mapping[str, str]:
        """Return the settings it was made of, masked."""
        return self._source.shown()

    def __repr__(self) -> str:
        return f"<Tokens {', '.join(self.shown())}>"


def _told(failure: Failure, call: Call, rules: Rules) -> VantageAPIError:
    """Return the error for one of those who wait, each of whom gets its own."""
    rules.cause, call.hint = failure.cause, failure.hint
    error = failure.error._as_kind(type(failure.error))
    error.__cause__ = failure.error.__cause__
    error.method, error.path = error.method or call.request.method, error.path or call.shown_path
    error.idempotency_key = call.key
    return error


def _late(call: Call) -> VantageAPIError:
    if call.deadline is not None and call.deadline.remaining() <= 0:
        return DeadlineExceeded(f"no token before the deadline of {call.deadline.budget:g} s")
    return VantageTimeoutError(f"no token within the timeout of {call.timeout:g} s")


class Asked:
    """Tokens of a function of the user's."""

    def __init__(self, function: TokenSource) -> None:
        self._function = function

    async def fetch(self, sender: Sender, _limit: Deadline | None, /) -> Token | Failure | None:
        """Call the function; a plain one runs where blocking does no harm."""
        try:
            if inspect.iscoroutinefunction(self._function):
                found: Any = await self._function()
            else:
                (found,) = await sender.io.work(lambda: (self._function(),))  # trio lets no coroutine out of a thread
                if inspect.isawaitable(found) and sender.io.suspends:
                    found = await found
        except Exception as error:  # told to all who wait, as the cause of their error
            failure = _failed(f"the function given as token= raised {type(error).__name__}")
            failure.error.__cause__ = error
            return failure
        if not isinstance(found, str):
            return _failed(f"the function given as token= returned {type(found).__name__}, not text")
        if not (text := found.strip()):
            return _failed("the function given as token= returned no text")
        if (kind := unfit(text)) is not None:
            return _failed(f"the function given as token= returned text with {kind}")
        return Token.of(text)

    def secrets(self) -> Sequence[Secret]:
        return ()

    def shown(self) -> Mapping[str, str]:
        return {"token": "asked for"}


def _failed(why: str) -> Failure:
    return Failure(AuthenticationError(f"no token: {why}"))
