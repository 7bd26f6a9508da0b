"""Ctrl-C while a program waits for live events, as the stop button of a notebook sends it."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.support.hub import Watcher, complete_or_told, update
from tests.support.interrupt import Interrupt
from tests.support.leftovers import settled
from tests.support.scripted import ScriptedServer
from tests.support.sockets import Peer, sockets
from vantage_sdk import S9SClient
from vantage_sdk.core import reconnecting, websocket
from vantage_sdk.core.io import duplex
from vantage_sdk.s9s import channels, subscription
from vantage_sdk.testing import instant_retries


@pytest.fixture
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


@pytest.fixture
def _heeds_ctrl_c() -> Iterator[None]:
    """Let SIGINT do what it usually does; programs that a shell runs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeds_ctrl_c")
def test_ctrl_c_ends_a_wait_at_once_and_the_next_goes_on() -> None:
    watcher = Watcher(1)
    with ScriptedServer(sockets(watcher.talk)) as server, S9SClient(server.url, "t", trust_env=False) as client:
        with client.events.subscribe("jobs", after=0, ping_interval=None) as updates:
            assert next(updates).sequence == 1  # type: ignore[union-attr]
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                next(updates)  # of which there is none, and nothing else ends the wait
            timer.join()
            assert not updates.ended
            assert updates.poll(0.01) is None
            assert server.requests[-1].number == 1, "the next wait makes a connection of its own"


MODULES = [subscription, channels, reconnecting, websocket, duplex]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore:unclosed <socket:ResourceWarning")
@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_ctrl_c_at_any_place_loses_nothing_that_is_not_told(module: ModuleType) -> None:
    """A notebook's stop button while it waits, and then the cell is run again."""
    matching, published = [1, 2, 3], [0]

    def talk(peer: Peer) -> None:
        after = peer.receive().get("after", 0)
        peer.send({"action": "subscribed", "channel": "jobs", "sequence": published[0]})
        for number in [number for number in matching if number > after]:
            peer.send(update(number, sequence=number, previous=number - 1))
            published[0] = max(number, published[0])
        peer.ping()
        peer.close(1000)

    with ScriptedServer(sockets(talk)) as server, S9SClient(server.url, "t", trust_env=False) as client:
        place, before = 1, len(os.listdir("/proc/self/fd"))
        while True:
            found, published[0] = list[Any](), 0
            updates = client.events.subscribe("jobs", after=0)
            strike = Interrupt(place, module)
            strike._files = {module.__file__}
            with strike:
                try:
                    while (item := updates.poll(5)) is not None:
                        found.append(item)
                except KeyboardInterrupt:
                    pass
            if not strike.struck:
                break
            found.extend(updates)
            complete_or_told(found, matching)
            updates.close()
            place += 2
        assert place > 20
        del updates, strike
        gc.collect()
        settled(lambda: len(os.listdir("/proc/self/fd")) <= before + 1, lambda: os.listdir("/proc/self/fd"))
