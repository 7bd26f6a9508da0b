"""Takes messages to their subscriptions while the server runs; nobody waits for it."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pydantic_core

from mock_server.webhooks.delivery import Attempt
from mock_server.webhooks.poster import post
from mock_server.webhooks.signature import headers
from mock_server.wire import iso
from mock_server.world.webhooks import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.event import Event
    from mock_server.timekeeping import Timekeeper
    from mock_server.webhooks.delivery import Delivery
    from mock_server.webhooks.outbox import Outbox
    from mock_server.world.webhooks import Webhook, Webhooks

MAX_AT_ONCE = 16
PATIENCE = 2.0


class Courier:
    """Turns events into messages and delivers them; between ``open`` and ``close``, all in the server's loop."""

    def __init__(
        self, webhooks: Webhooks, outbox: Outbox, clock: Timekeeper, describe: Callable[[Event], Any], *, seed: int
    ) -> None:
        self.outbox = outbox
        self._webhooks = webhooks
        self._clock = clock
        self._describe = describe
        self._seed = seed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._poked = False
        self._changed = asyncio.Event()
        self._watch = ExitStack()
        self._watching = False
        clock.backend.subscribe(self._notice)
        clock.follow(self._tick)

    def open(self) -> None:
        """Begin to deliver."""
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()  # belongs to one loop, and a server that is started again has another
        self.poke()

    def close(self) -> None:
        """Break off what is under way; it stays pending, for a server that is started again."""
        self._loop = None
        self._stop_timer()
        self._watch.close()
        self._watching = False
        for task in self._tasks.values():
            task.cancel()
        self._changed.set()

    async def aclose(self) -> None:
        """Close, and wait until everything that was under way has noticed."""
        tasks = list(self._tasks.values())
        self.close()
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)

    def poke(self) -> None:
        """Look soon at what there is to do: something was queued, or a subscription has changed."""
        if self._loop is not None and not self._poked:
            self._poked = True
            self._loop.call_soon(self._pump)

    def end(self, webhook: Webhook) -> None:
        """Send nothing more to a subscription that was removed or switched off."""
        self.outbox.drop(webhook.id)
        if (task := self._tasks.get(webhook.id)) is not None:
            task.cancel()
        self.poke()

    async def settled(self, timeout: float) -> None:
        """Wait until nothing is due or under way; an automatic clock moves on until nothing is pending either."""
        async with asyncio.timeout(timeout):
            while self._loop is not None:
                due, now = self.outbox.next_at(), self._clock.now()
                if self._tasks or (due is not None and due <= now):
                    self._changed.clear()
                    self.poke()
                    await self._changed.wait()
                elif due is not None and self._clock.automatic:
                    self._clock.advance(due - now)
                else:
                    return

    def _notice(self, event: Event) -> None:
        if event.kind not in EVENTS:
            return
        wanted = [webhook for webhook in self._webhooks if webhook.active and event.kind in webhook.events]
        if not wanted:
            return
        content = {"type": event.kind, "timestamp": iso(event.at), "data": self._describe(event)}
        body = pydantic_core.to_json(content)
        # The numbers of events begin anew with each server, and receivers take an id that they know for a repetition.
        told = f"{self._seed}:{event.sequence}:{event.at}:{event.subject}"
        message_id = "msg_" + blake2b(told.encode(), digest_size=10).hexdigest()
        for webhook in wanted:
            self.outbox.add(webhook.id, message_id, event.kind, body, event.at)
        self.poke()

    def _tick(self) -> None:
        if self.outbox:
            self.poke()

    def _pump(self) -> None:
        """Begin every attempt that is due, and set the timer for the next."""
        self._poked = False
        if self._loop is None:
            return
        self._keep_time()
        for delivery in self.outbox.due(self._clock.now())[: MAX_AT_ONCE - len(self._tasks)]:
            self.outbox.take(delivery)
            self._tasks[delivery.webhook_id] = task = self._loop.create_task(self._deliver(delivery))
            # Not inside the task, because one that is cancelled at once never begins.
            task.add_done_callback(partial(self._landed, delivery))
        self._stop_timer()
        due = self.outbox.next_at()
        delay = None if due is None else self._clock.clock.real_delay(due)
        if delay and len(self._tasks) < MAX_AT_ONCE:
            self._timer = self._loop.call_later(delay, self.poke)

    def _keep_time(self) -> None:
        """Let the clock run by itself while somebody waits for events."""
        wanted = any(webhook.active for webhook in self._webhooks)
        if wanted and not self._watching:
            self._watch.enter_context(self._clock.watching())
        elif not wanted and self._watching:
            self._watch.close()
        self._watching = wanted

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _deliver(self, delivery: Delivery) -> None:
        webhook = self._webhooks.get(delivery.webhook_id)
        # Receivers compare it with their own clock, so this one time is not the server's.
        stamp = int(time.time())
        secrets = webhook.secrets(self._clock.now())
        outcome = await post(webhook.url, headers(secrets, delivery.id, stamp, delivery.body), delivery.body)
        now = self._clock.now()
        if self.outbox.settle(delivery, Attempt(now, outcome.status, outcome.error), outcome.retry_after):
            webhook.active = False
            self._webhooks.changed(webhook, now)
            self.outbox.drop(webhook.id)

    def _landed(self, delivery: Delivery, task: asyncio.Task[None]) -> None:
        self.outbox.land(delivery)
        del self._tasks[delivery.webhook_id]
        self._changed.set()
        self.poke()
        if not task.cancelled():
            task.result()  # a failure of ours is told by the loop
