"""Live events of S9S, over WebSocket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import Unpack

from vantage_sdk.core.arguments import as_count, as_text, as_word
from vantage_sdk.core.deadline import Seconds, seconds
from vantage_sdk.core.reconnecting import Manner
from vantage_sdk.core.request import CallOptions, Request
from vantage_sdk.core.resource import Async, Mode, Resource, live
from vantage_sdk.core.shapes import as_object, flag
from vantage_sdk.models.base import nothing
from vantage_sdk.models.update import Resynced, Update
from vantage_sdk.s9s.channels import Channel
from vantage_sdk.s9s.snapshots import CHANNELS, snapshot
from vantage_sdk.s9s.subscription import Overflow, Subscription

if TYPE_CHECKING:
    from vantage_sdk.core.live import Source

QUEUE = 10_000
SECONDS = 20.0
Filter = Mapping[str, Any]


class Events(Resource[Mode]):
    """Changes of jobs, nodes and the cluster, as they happen."""

    @live
    def subscribe(
        self: Events[Async],
        channel: str | Mapping[str, Filter | None],
        filter: Filter | None = None,
        *,
        after: int | Mapping[str, int] | None = None,
        reconnect: bool = True,
        queue: int = QUEUE,
        overflow: Overflow = "wait",
        ping_interval: Seconds | None = SECONDS,
        ping_timeout: Seconds | None = SECONDS,
        **options: Unpack[CallOptions],
    ) -> Source[Update | Resynced]:
        """Be told of changes as they happen: a stream of ``Update``, and of ``Resynced`` where some were missed.

        ``channel``: ``jobs``, ``nodes``, ``metrics``, ``alerts`` or ``queue``, or several with a filter each:
        ``{"jobs": {"user": "alice"}, "nodes": None}``; ``filter``: fields that what changed has, before or after the change;
        ``after``: go on after the update with this ``sequence``, or one for each channel, instead of from now on.

        Use it in a ``with`` block: from entering it on, nothing is missed.  A connection that breaks is made anew, for ever, and
        goes on after the last update; where the server cannot, ``Resynced`` says so and has the state, before any later
        update.  ``reconnect=False`` raises ``StreamInterrupted`` instead.  Everything happens while you wait for the next item:
        the connection of a program that stays away for long is closed by the server, and made anew when it comes back.

        ``queue``: updates that may wait to be taken, default 10,000; ``overflow``: what happens when there are more: ``wait``
        reads no more until some are taken, ``drop_oldest`` drops the older half and tells it as ``Resynced``, ``error`` raises
        ``StreamInterrupted``.  ``ping_interval``: seconds of silence, default 20, after which the server is asked for a sign of
        life; ``ping_timeout``: seconds, default 20, until it is given up without one; ``None`` for never.

        Raises what other calls raise when it cannot begin, and ``AuthorizationError`` when the server ends it for its policy.
        Needs the extra ``events``.
        """
        manner = Manner(
            "events.subscribe()",
            flag("reconnect", reconnect),
            seconds(ping_interval, "ping_interval"),
            seconds(ping_timeout, "ping_timeout"),
        )
        return Subscription(
            self._sender,
            Request("GET", "/ws", nothing),
            options,
            _channels(channel, filter, after),
            partial(_state, options),
            manner,
            as_count(queue, "queue", 1),
            cast("Overflow", as_word(overflow, "overflow", ("wait", "drop_oldest", "error"))),
        )


async def _state(options: Mapping[str, Any], sender: Any, channel: Channel) -> Sequence[Any]:
    return await snapshot(options, sender, channel.name, channel.filter)


def _channels(channel: Any, filter: Any, after: Any) -> list[Channel]:
    """Return the checked channels of a subscription."""
    several = as_object(channel)
    if several is None:
        several = {as_text(channel, "channel"): filter}
    elif filter is not None:
        raise ValueError("give each channel its own filter: {'jobs': {...}, 'nodes': None}")
    if not several:
        raise ValueError("channel names no channel")
    numbers = as_object(after)
    if numbers is None:
        numbers = {} if after is None else dict.fromkeys(several, after)
    if after is not None and (len(several) > 1) != (as_object(after) is not None):
        raise ValueError("after is one number for one channel, and a mapping for several")
    if unknown := numbers.keys() - several.keys():
        raise ValueError(f"after names channels that are not subscribed to: {', '.join(sorted(unknown))}")
    return [_channel(as_word(name, "channel", CHANNELS), given, numbers.get(name)) for name, given in several.items()]


def _channel(name: str, given: Any, after: Any) -> Channel:
    filters: Mapping[str, Any] | None = {} if given is None else as_object(given)
    if filters is None:
        raise TypeError(f"filter takes a mapping, not {type(given).__name__}")
    for field, value in filters.items():
        if not isinstance(value, str | int | float | bool):
            raise TypeError(f"filter takes a text or a number for {field!r}, not {type(value).__name__}")
    return Channel.after(name, dict(filters), None if after is None else as_count(after, "after", 0))
