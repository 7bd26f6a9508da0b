"""One attempt of a call: its turn, its credential, the exchange, and the error that it may come to."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vantage_sdk.core.call import wire
from vantage_sdk.core.credentials import Fixed
from vantage_sdk.core.dialect import Fault, error_class
from vantage_sdk.core.hints import retry_after
from vantage_sdk.core.io.port import TransportError
from vantage_sdk.core.redirects import GET_REDIRECTS, next_target, refusal
from vantage_sdk.core.retry import Cause, cause_of_answer, cause_of_failure
from vantage_sdk.core.shapes import as_object
from vantage_sdk.exceptions import DeadlineExceeded, VantageAPIError, VantageConnectionError, VantageTimeoutError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.call import Call
    from vantage_sdk.core.io.port import Incoming, Wire
    from vantage_sdk.core.retry import Rules
    from vantage_sdk.core.scrub import Secret
    from vantage_sdk.core.sending import Sender

Head = TypeVar("Head", bound="HasHead")

HONOURED = "x-idempotency-supported"
ERROR_BODY_LIMIT = 1 << 20
WINDOW_TRIES = 3  # the default number of retries, which then spans the window of a rate limit


class HasHead(Protocol):
    """What a whole and a streamed answer have in common."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


async def tried(
    sender: Sender,
    call: Call,
    rules: Rules,
    exchange: Callable[[Wire], Awaitable[Head]],
    read: Callable[[Head], Awaitable[bytes]],
    *,
    stream: bool,
) -> Head | VantageAPIError:
    """Return the answer, or the error that ``rules`` know the cause of; once a call, a refused token is replaced."""
    if sender.shared.limiter is not None and (late := await sender.shared.limiter.turn(call, sender.io.sleep)):
        rules.cause, call.hint = Cause.FINAL, None
        return late
    secret = await _secret(sender, call, rules)
    while not isinstance(secret, VantageAPIError):
        try:
            sent = wire(call, sender.config, secret, stream=stream)
            answer, body, last = await _exchanged(sent, exchange, read, roams=call.request.roams)
        except TransportError as error:
            return _unanswered(sender, call, rules, error)
        at_home = call.request.is_for(sender.config.origin) and last.headers is sent.headers
        if at_home and HONOURED in answer.headers:
            sender.shared.honours_keys = True
        if answer.status < 300 or (answer.status in call.request.also and _says_no_error(body)):
            return answer
        refused = at_home and answer.status == 401
        if refused and secret is not None and (fresh := await _another(sender, call, rules, secret)):
            secret = fresh
            continue
        return _refused(sender, call, rules, answer, body)
    return secret


async def _exchanged(
    sent: Wire,
    exchange: Callable[[Wire], Awaitable[Head]],
    read: Callable[[Head], Awaitable[bytes]],
    *,
    roams: bool,
) -> tuple[Head, bytes, Wire]:
    """Return the answer, the body if it is an error, and the request that was answered in the end."""
    answer = await exchange(sent)
    for _ in range(GET_REDIRECTS):
        if (following := next_target(sent, answer, roams=roams)) is None:
            break
        await read(answer)
        sent = following
        answer = await exchange(sent)
    return answer, await read(answer) if answer.status >= 300 else b"", sent


async def _secret(sender: Sender, call: Call, rules: Rules) -> Secret | VantageAPIError | None:
    """Return what the request shows, ``None`` for nothing at all."""
    credential = sender.config.credential
    request = call.request
    if request.anonymous or request.grant is not None or not request.is_for(sender.config.origin):
        return None
    if isinstance(credential, Fixed):
        return credential.secret
    return credential.current or await credential.obtain(sender, call, rules)


async def _another(sender: Sender, call: Call, rules: Rules, refused: Secret) -> Secret | VantageAPIError | None:
    """Return another token in place of one that was refused, or why there is none; ``None`` if it would be the same."""
    credential = sender.config.credential
    if isinstance(credential, Fixed) or call.renewed:
        return None
    call.renewed = True
    credential.refuse(refused)
    fresh = await credential.obtain(sender, call, rules)
    return None if fresh == refused else fresh


def _says_no_error(body: bytes) -> bool:
    said = as_object(_json(body.decode("utf-8", "replace")))
    return said is not None and "error" not in said


def _unanswered(sender: Sender, call: Call, rules: Rules, error: TransportError) -> VantageAPIError:
    rules.cause, call.hint = cause_of_failure(error.failure), None
    kind: type[VantageAPIError] = VantageTimeoutError if error.timed_out else VantageConnectionError
    message = f"{str(error) or error.failure.value}"
    if error.timed_out and call.deadline is not None and call.deadline.remaining() <= 0:
        kind, message = DeadlineExceeded, f"no answer before the deadline of {call.deadline.budget:g} s"
    elif error.timed_out and call.timeout is not None:
        message = f"no answer within the timeout of {call.timeout:g} s ({error})"
    return kind(sender.clean(message), idempotency_key=call.key, method=call.request.method, path=call.shown_path)


def _refused(sender: Sender, call: Call, rules: Rules, answer: HasHead, body: bytes) -> VantageAPIError:
    text = sender.clean(body.decode("utf-8", "replace"))
    fault = Fault.parse(_json(text), answer.status, text)
    found = fault.request_id or answer.headers.get("x-request-id")
    call.hint = retry_after(_asking(answer), time.time())
    message = fault.message if answer.status >= 400 else refusal(answer)
    error = error_class(answer.status, fault.code)(
        message,
        status_code=answer.status,
        code=fault.code,
        details=fault.details,
        request_id=None if found is None else sender.clean(found),
        retry_after=None if call.hint is None else math.ceil(call.hint),
        idempotency_key=call.key,
        method=call.request.method,
        path=call.shown_path,
    )
    rules.cause = cause_of_answer(error)
    if answer.status == 429 and call.hint is None and sender.dialect.window is not None:
        call.hint = sender.dialect.window / WINDOW_TRIES
    if rules.cause not in (Cause.REFUSED, Cause.AWAY):
        call.hint = None
    return error


def _asking(answer: HasHead) -> Mapping[str, str]:
    """Return the headers that ask for a wait; what is left of a rate limit matters only to a call that it stopped."""
    if answer.status == 429:
        return answer.headers
    return {name: value for name, value in answer.headers.items() if not name.startswith("x-ratelimit-")}


async def whole(answer: Answer) -> bytes:
    """Return the body of an answer that is all there."""
    return answer.body


async def streamed(answer: Incoming) -> bytes:
    """Return the body of an error, and let go of the connection."""
    try:
        return await answer.read(ERROR_BODY_LIMIT)
    finally:
        await answer.aclose()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
