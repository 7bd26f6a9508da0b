"""The way of every call: limits, credential, attempts, and what the last one came to."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.attempt import HasHead, streamed, tried, whole
from vantage_sdk.core.call import prepare
from vantage_sdk.core.io.port import Incoming, TransportError
from vantage_sdk.core.request import Safety
from vantage_sdk.core.retry import AMBIGUOUS, Cause, Rules, again, out_of_time, passes
from vantage_sdk.core.scrub import printable, scrub
from vantage_sdk.exceptions import (
    Attempt,
    DeadlineExceeded,
    SubmitOutcomeUnknown,
    VantageAPIError,
    VantageConnectionError,
    VantageTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vantage_sdk.config import Config
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.call import Call
    from vantage_sdk.core.dialect import Dialect
    from vantage_sdk.core.io.abort import Abort
    from vantage_sdk.core.io.port import IO, Wire
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.shared import Shared

T = TypeVar("T")
Head = TypeVar("Head", bound=HasHead)
log = logging.getLogger("vantage_sdk")

SHOWN = 200


class Sender:
    """Sends requests of one family with one configuration; copies of a client differ in nothing else."""

    def __init__(self, io: IO, config: Config, dialect: Dialect, shared: Shared) -> None:
        self.io = io
        self.config = config
        self.dialect = dialect
        self.shared = shared

    def bound_to(self, abort: Abort) -> Sender:
        """Return the same sender, whose exchanges and pauses end when ``abort`` is thrown."""
        return Sender(self.io.bound_to(abort), self.config, self.dialect, self.shared)

    def beside(self, dialect: Dialect) -> Sender:
        """Return the sender of another family, over the same connections."""
        return Sender(self.io, self.config.beside(dialect), dialect, self.shared.beside(dialect))

    def lost(self, error: TransportError, method: str, path: str) -> VantageConnectionError:
        """Return the error for a streamed answer that broke after its head."""
        kind = VantageTimeoutError if error.timed_out else VantageConnectionError
        problem = kind(self.clean(str(error) or error.failure.value), method=method, path=path)
        problem._passing = True
        return problem

    async def fetch(self, request: Request[Any], options: Mapping[str, Any]) -> Answer:
        """Return the whole answer; raise an error of ``exceptions`` if there is none below status 400."""
        call = prepare(request, options, self.config)

        async def attempt() -> Answer:
            return await self._attempt(call, rules, self.io.exchange, whole, stream=False)

        rules = self.rules(call)
        answer = await self._complete(call, rules, attempt)
        answer.attempts, answer.elapsed = tuple(call.trail), time.monotonic() - call.begun
        answer.query, answer.path, answer.idempotency_key = request.query, call.shown_path, call.key
        answer.max_attempts = call.max_attempts
        return answer

    async def open(self, request: Request[Any], options: Mapping[str, Any]) -> Incoming:
        """Return an answer as soon as its head is there; the caller closes it."""
        call = prepare(request, options, self.config)

        async def attempt() -> Incoming:
            return await self._attempt(call, rules, self.io.open, streamed, stream=True)

        rules = self.rules(call)
        return await self._complete(call, rules, attempt)

    def decode(self, request: Request[T], answer: Answer) -> T:
        """Return what the request makes of the answer; a body that it cannot read is an error, never a guess.

        Of a submission it is ``SubmitOutcomeUnknown``, because the job was probably created.
        """
        try:
            return request.decode(answer)
        except ValueError as error:
            kind = SubmitOutcomeUnknown if request.safety is Safety.KEYED else VantageAPIError
            problem = kind(
                f"the answer is not what this call returns: {self.clean(str(error))[:200]}",
                status_code=answer.status,
                code="invalid_response",
                request_id=None if answer.request_id is None else self.clean(answer.request_id),
                idempotency_key=answer.idempotency_key,
                method=request.method,
                path=answer.path,
            )
        last = Attempt(len(answer.attempts) + 1, "unreadable answer", None, answer.status, problem.request_id)
        problem.attempts, problem.max_attempts = (*answer.attempts, last), answer.max_attempts
        raise problem

    def rules(self, call: Call) -> Rules:
        """Return how the attempts of a call go on."""
        shared, cap = self.shared, self.config.max_retry_wait
        return Rules(call, shared.quota, honours=lambda: shared.honours_keys, max_wait=cap)

    async def _complete(self, call: Call, rules: Rules, attempt: Callable[[], Awaitable[Head]]) -> Head:
        try:
            try:
                answer = await attempt()
            except VantageAPIError as first:
                if call.max_attempts == 1 or not rules.allows():
                    raise
                answer = await again(attempt, first, rules, self.io.sleep)
        except VantageAPIError as error:
            failed = error
        except BaseException as stop:
            if call.key is not None and call.request.safety is Safety.KEYED:
                stop.add_note(f"the request may have been accepted; its idempotency key is {call.key}")
            raise
        else:
            self.shared.quota.give_back(call.tokens or 1)
            return answer
        raise self._final(call, rules, failed)

    async def _attempt(
        self,
        call: Call,
        rules: Rules,
        exchange: Callable[[Wire], Awaitable[Head]],
        read: Callable[[Head], Awaitable[bytes]],
        *,
        stream: bool,
    ) -> Head:
        """Make one attempt; what it raises is raised here, where no local holds what the server said."""
        begun = time.monotonic()
        outcome = await tried(self, call, rules, exchange, read, stream=stream)
        spent = (time.monotonic() - begun) * 1000
        if isinstance(outcome, VantageAPIError):
            self._note(call, rules, outcome)
            said = outcome.status_code or outcome.message
            log.debug("%s %s -> %s in %.0f ms", call.request.method, call.shown_path, said, spent)
            raise outcome
        log.debug("%s %s -> %d in %.0f ms", call.request.method, call.shown_path, outcome.status, spent)
        return outcome

    def _note(self, call: Call, rules: Rules, error: VantageAPIError) -> None:
        number = len(call.trail) + 1
        said = f"{error.status_code} {error.code or ''}".strip() if error.status_code else error.message
        call.trail.append(Attempt(number, said, None, error.status_code, error.request_id))
        call.ambiguous = call.ambiguous or rules.cause in AMBIGUOUS
        error._passing = passes(rules.cause)
        error.attempts, error.max_attempts = tuple(call.trail), call.max_attempts

    def _final(self, call: Call, rules: Rules, error: VantageAPIError) -> VantageAPIError:
        error.attempts = tuple(call.trail)
        result: VantageAPIError = error
        if rules.out_of_time and call.deadline is not None and not isinstance(error, DeadlineExceeded):
            result = out_of_time(error, call.deadline.budget)
        definite = rules.cause is Cause.FINAL and error.status_code is not None
        if call.request.safety is Safety.KEYED and call.ambiguous and not definite:
            result = error._as_kind(SubmitOutcomeUnknown)
            result.message = (
                f"the request may have been accepted: {error.message}; look for idempotency key {call.key}, "
                "or repeat with the same key"
            )
        if result is not error:
            result.__cause__ = error
        return result

    def shown(self, text: str) -> str:
        """Return what a server said as it may stand in a message."""
        return printable(self.clean(text)).replace("\n", " ")[:SHOWN]

    def clean(self, text: str) -> str:
        """Return a text without the secrets of this client."""
        return scrub(text, self.config.credential.secrets())
