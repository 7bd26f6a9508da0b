"""All channels of one server, who feeds them, and how time passes while somebody reads them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from mock_server.s9s.alerts import Alerts
from mock_server.s9s.channels import CHANNELS, Channel, ChannelName
from mock_server.s9s.cluster_stats import site_stats
from mock_server.s9s.job_updates import JobUpdates
from mock_server.s9s.node_updates import NodeUpdates
from mock_server.s9s.queue_stats import loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.event import Event
    from mock_server.state import ServerState

TICK = 10.0
"""Seconds on the server's clock between two updates of what is told regularly."""

REGULAR: tuple[ChannelName, ...] = ("metrics", "queue")


class Listener(Protocol):
    """Somebody who has subscribed to something."""

    async def caught_up(self) -> None:
        """Return once everything so far has been read."""
        ...


class Hub:
    """Listens to the cluster from the first reader on."""

    def __init__(self, state: ServerState) -> None:
        self.channels: dict[ChannelName, Channel] = {name: Channel(name) for name in CHANNELS}
        self._state = state
        self._feeds = (
            JobUpdates(state, self.channels["jobs"]),
            NodeUpdates(state, self.channels["nodes"]),
            Alerts(state, self.channels["alerts"]),
        )
        self._listeners: dict[Listener, None] = {}
        self._watch = ExitStack()
        self._ticking: Callable[[], None] | None = None
        self._pacer: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self._unsubscribe = state.cluster.subscribe(self._notice)

    def attend(self, listener: Listener, *, listens: bool) -> None:
        """Note whether somebody has subscribed to anything: as long as one has, time is waited for."""
        if listens:
            self._listeners[listener] = None
        else:
            self._listeners.pop(listener, None)
        if self._listeners and self._pacer is None:
            self._watch.enter_context(self._state.time.watching())
            self._pacer = asyncio.get_running_loop().create_task(self._pace())
        elif not self._listeners and self._pacer is not None:
            self._watch.close()
            self._pacer.cancel()
            self._pacer = None
        self._keep_ticking()
        self._stirred.set()

    def close(self) -> None:
        """Listen to nothing any more."""
        self._unsubscribe()
        self._listeners.clear()
        self._watch.close()
        if self._pacer is not None:
            self._pacer.cancel()
            self._pacer = None
        self._keep_ticking()

    def _notice(self, event: Event) -> None:
        for feed in self._feeds:
            feed.notice(event)
        self._stirred.set()

    def _keep_ticking(self) -> None:
        wanted = any(self.channels[name].is_read for name in REGULAR) and bool(self._listeners)
        if wanted and self._ticking is None:
            self._tick_at(self._state.time.now() + TICK)
        elif not wanted and self._ticking is not None:
            self._ticking()
            self._ticking = None

    def _tick_at(self, at: float) -> None:
        self._ticking = self._state.time.schedule(at, lambda: self._tick(at), ticking=True)

    def _tick(self, at: float) -> None:
        """Tell what is told regularly, as it is at this instant."""
        cluster = self._state.cluster
        if self.channels["metrics"].is_read:
            data = {"scope": "cluster", **site_stats(cluster, at)}
            self.channels["metrics"].publish("update", "cluster", at, data, (data,))
        if self.channels["queue"].is_read:
            for load in loads(cluster):
                view = load.view(at)
                self.channels["queue"].publish("update", load.name, at, view, (view,))
        self._tick_at(at + TICK)
        self._keep_ticking()

    async def _pace(self) -> None:
        """With an automatic clock, move it on whenever all who listen have read all there is."""
        time = self._state.time
        while time.automatic:
            self._stirred.clear()
            for listener in tuple(self._listeners):
                await listener.caught_up()
            if self._stirred.is_set():
                await asyncio.sleep(0)
            elif not time.jump(ticking=True):
                await self._stirred.wait()
            else:
                await asyncio.sleep(0)
