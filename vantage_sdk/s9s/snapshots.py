"""How things are now on a channel of which updates were missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from vantage_sdk.core.resource import Async
from vantage_sdk.s9s.jobs import Jobs
from vantage_sdk.s9s.metrics import Metrics
from vantage_sdk.s9s.nodes import Nodes
from vantage_sdk.s9s.partitions import Partitions

if TYPE_CHECKING:
    from vantage_sdk.core.sending import Sender

_LISTED = {"jobs": ("user", "state", "partition"), "nodes": ("state",), "queue": (), "metrics": (), "alerts": ()}
CHANNELS = tuple(_LISTED)


async def snapshot(
    options: Mapping[str, Any], sender: Sender, channel: str, filters: Mapping[str, Any]
) -> Sequence[Any]:
    """Fetch what is in a channel now, as far as it matches ``filters``."""
    narrowed = {name: filters[name] for name in _LISTED[channel] if isinstance(filters.get(name), str)}
    if channel == "jobs":
        jobs = Jobs(sender, Async).list_all(**narrowed, **options)
        async with jobs:
            return [job async for job in jobs if _matches(job, filters)]
    if channel == "metrics":
        return [await Metrics(sender, Async).cluster(**options)]
    if channel == "alerts":
        return []
    fetch = partial(Nodes(sender, Async).list, **narrowed) if channel == "nodes" else Partitions(sender, Async).list
    return [item for item in await fetch(**options) if _matches(item, filters)]


def _matches(item: Any, filters: Mapping[str, Any]) -> bool:
    """Tell whether no field contradicts a filter; the server may know fields that it does not show."""
    received: Mapping[str, Any] = item._received
    return all(name not in received or _word(received[name]) == _word(value) for name, value in filters.items())


def _word(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value
