"""Receive webhooks: tell deliveries of the platform from forged, changed, old and repeated ones."""

from __future__ import annotations

import math
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from vantage_sdk.core.delivery import ID, SIGNATURE, TIMESTAMP, Headers, delivery_of
from vantage_sdk.core.signing import PREFIX, is_signed, keyed, signature
from vantage_sdk.exceptions import WebhookVerificationError

if TYPE_CHECKING:
    from vantage_sdk.models.event import Event

Body = bytes | bytearray | memoryview | str
Secrets = str | bytes | Iterable[str | bytes]
LARGEST = 1 << 20
MAX_SECRETS = 16


class Webhook:
    """Checks deliveries that are signed as Standard Webhooks asks, with the ``secret`` of their subscription.

    ``secret``: base64 text with or without ``whsec_`` in front, bytes for a key as it is, or several of them, any of which may
    have been signed with, so that a secret can be replaced without a gap.  ``tolerance``: how far the time of a delivery may
    be from now, before or after, in seconds or a ``timedelta``, default 300; with 0 it is of this very second.

    ``seen``: called with the id of a delivery that is right in everything else; ``True`` says that it was here before.  It is
    for you to remember ids, over all processes, for longer than the tolerance.  ``now``: the clock, default ``time.time``.
    ``max_bytes``: the largest body, default 1 MiB.

    Raises ``ValueError`` or ``TypeError``, without any part of a secret, for what cannot be used.
    """

    def __init__(
        self,
        secret: Secrets,
        tolerance: float | timedelta = 300,
        seen: Callable[[str], bool] | None = None,
        *,
        now: Callable[[], float] = time.time,
        max_bytes: int = LARGEST,
    ) -> None:
        found = [secret] if isinstance(secret, str | bytes) else _several(secret)
        if not 0 < len(found) <= MAX_SECRETS:
            raise ValueError(f"give 1 to {MAX_SECRETS} secrets, not {len(found)}")
        self._codes = tuple(keyed(each) for each in found)
        self._tolerance = _tolerance(tolerance)
        if seen is not None and not callable(seen):
            raise TypeError(f"seen is a function of an id, not {type(seen).__name__}")
        self._seen = seen
        self._now = now
        self._max_bytes = max_bytes

    def unwrap(self, raw_body: Body, headers: Headers) -> Event:
        """Return the event in a delivery after checking that it is genuine, unchanged, of now and, with ``seen``, new.

        ``raw_body``: the body exactly as received, bytes or text, never parsed and written again; ``headers``: as the
        framework gives them, a mapping or pairs.  Raises ``WebhookVerificationError``, whose ``check`` tells what failed;
        answer with status 400 then.
        """
        body = _bytes_of(raw_body)
        if len(body) > self._max_bytes:
            raise WebhookVerificationError(f"the body has more than {self._max_bytes} bytes", check="body")
        delivery = delivery_of(headers)
        self._check_time(int(delivery.timestamp))
        if not is_signed(self._codes, delivery.signature, delivery.webhook_id, delivery.timestamp, body):
            raise WebhookVerificationError("no signature fits the body and the secret", check="signature")
        from vantage_sdk.models.event import event_of

        try:
            event = event_of(body, delivery.webhook_id)
        except ValueError:
            raise WebhookVerificationError("the body is no event: a JSON object with a type", check="body") from None
        if self._seen is not None and _answered(self._seen(delivery.webhook_id)):
            raise WebhookVerificationError(f"the delivery {delivery.webhook_id} was here before", check="replay")
        return event

    def sign(self, body: Body, *, id: str | None = None, timestamp: float | datetime | None = None) -> dict[str, str]:
        """Return the headers that a sender puts beside a ``body``, for tests of what receives them.

        ``id``: of the delivery, default a new one; ``timestamp``: seconds since 1970 or an aware ``datetime``, default now.
        There is one signature for each secret.  Raises ``ValueError`` for what no header can carry.
        """
        webhook_id = f"msg_{secrets.token_hex(12)}" if id is None else id
        moment = str(_moment(self._now() if timestamp is None else timestamp))
        content = _bytes_of(body)
        try:
            delivery_of({ID: webhook_id, TIMESTAMP: moment, SIGNATURE: "v1,x"})
        except WebhookVerificationError as error:
            problem = (
                f"{error.check} cannot stand in a header: 1 to 256 visible ASCII characters, or seconds since 1970"
            )
        else:
            signatures = [signature(code, webhook_id, moment, content) for code in self._codes]
            return {ID: webhook_id, TIMESTAMP: moment, SIGNATURE: " ".join(signatures)}
        raise ValueError(problem)

    @staticmethod
    def new_secret() -> str:
        """Return a new secret of 32 random bytes, for ``webhooks.create`` and this class."""
        return PREFIX + b64encode(secrets.token_bytes(32)).decode("ascii")

    def _check_time(self, sent: int) -> None:
        late = math.floor(self._now()) - sent
        if abs(late) > self._tolerance:
            when = f"{late} s ago" if late > 0 else f"{-late} s from now"
            raise WebhookVerificationError(
                f"it was sent {when}, and the tolerance is {self._tolerance:g} s", check="timestamp"
            )

    def __repr__(self) -> str:
        return f"<Webhook with {len(self._codes)} secret{'s'[: len(self._codes) > 1]}, tolerance {self._tolerance:g} s>"


def _bytes_of(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(cast("bytes", body))
    kind = type(body).__name__
    raise TypeError(f"the body is taken as received, bytes or text, not {kind}: written again it has another signature")


def _several(found: Any) -> list[Any]:
    if isinstance(found, dict) or not hasattr(found, "__iter__"):
        raise TypeError(f"a secret is text or bytes, or several of them, not {type(cast('Any', found)).__name__}")
    return [*found]


def _tolerance(given: Any) -> float:
    value = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"tolerance takes seconds or a timedelta, not {type(given).__name__}")
    if not 0 <= value < math.inf:
        raise ValueError(f"tolerance is a number of seconds from 0, not {given!r}")
    return value


def _moment(given: Any) -> int:
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise ValueError("a datetime needs a time zone, for example datetime.now(UTC)")
        given = given.timestamp()
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError(f"timestamp takes seconds since 1970 or a datetime, not {type(given).__name__}")
    if not 0 <= given < 10**12:
        raise ValueError(f"timestamp takes seconds since 1970, not {given!r}")
    return math.floor(given)


def _answered(answer: Any) -> bool:
    if not isinstance(answer, bool):
        close = getattr(answer, "close", None)
        if callable(close):
            close()  # a coroutine, which nobody awaits
        raise TypeError(f"seen returns True or False, not {type(answer).__name__}")
    return answer
