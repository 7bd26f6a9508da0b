"""How time passes in one server, and who is told when something has happened."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from mock_server.cluster.agenda import Agenda
from mock_server.cluster.clock import Clock, ManualClock, ScaledClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.event import Event

MANUAL_START = 1705314900.0  # 2024-01-15T10:35:00Z, shortly after the documented examples
MAX_STEPS = 1_000_000


class SteerableClock(Clock, Protocol):
    """A clock that can be told to jump forward."""

    def advance_to(self, instant: float) -> None: ...


class SkippingClock:
    """A running clock that can skip ahead."""

    def __init__(self, running: ScaledClock) -> None:
        self._running = running
        self._skipped = 0.0

    def now(self) -> float:
        return self._running.now() + self._skipped

    def real_delay(self, until: float) -> float | None:
        return self._running.real_delay(until - self._skipped)

    def advance_to(self, instant: float) -> None:
        self._skipped += max(0.0, instant - self.now())


def make_clock(mode: str) -> SteerableClock:
    """Return the clock for a mode: ``real``, ``xN`` (N times real time), ``manual`` or ``auto``."""
    if mode in ("manual", "auto"):
        return ManualClock(MANUAL_START)
    if mode == "real":
        return SkippingClock(ScaledClock())
    if match := re.fullmatch(r"x([0-9]+(?:\.[0-9]+)?)", mode):
        return SkippingClock(ScaledClock(float(match[1])))
    raise ValueError(f"clock must be 'real', 'manual', 'auto' or 'xN' with a number N, not {mode!r}")


class Timekeeper:
    """Moves the cluster along with the clock.

    Nothing ticks while nobody waits: the state catches up when it is looked at.  While somebody follows, one timer,
    set to the next thing that will happen, serves all followers.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.clock = make_clock(mode)
        self._backend: ClusterBackend | None = None
        self._check: Callable[[], object] = list[object]
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._followers: list[Callable[[], None]] = []
        self._agenda = Agenda(self.clock.now())
        self._ticks = Agenda(self.clock.now())
        self._catching_up = False
        self._watching = 0
        self._timer: asyncio.TimerHandle | None = None
        self._rearming = False

    @property
    def automatic(self) -> bool:
        """Whether time jumps to the next event as soon as somebody waits for it."""
        return self.mode == "auto"

    @property
    def watched(self) -> int:
        """How many callers wait for events at this moment."""
        return self._watching

    @property
    def backend(self) -> ClusterBackend:
        if self._backend is None:
            raise RuntimeError("no cluster is attached to this clock")
        return self._backend

    def attach(self, backend: ClusterBackend, check: Callable[[], None]) -> None:
        """Keep ``backend`` up to date from now on and call ``check`` after every step."""
        self._backend = backend
        self._check = check
        backend.subscribe(self._notice)

    def follow(self, follower: Callable[[], None]) -> None:
        """Call ``follower`` from now on whenever time may have passed."""
        self._followers.append(follower)

    def schedule(self, at: float, action: Callable[[], None], *, ticking: bool = False) -> Callable[[], None]:
        """Call ``action`` when the clock gets to ``at``, the cluster having got there as well; the result calls it off.

        ``ticking`` is for what goes on for ever, which nobody waits for to end.
        """
        agenda = self._ticks if ticking else self._agenda
        ticket = agenda.schedule(at, action)
        if self._watching:
            self._rearm()
        return lambda: agenda.cancel(ticket)

    def next_event_at(self) -> float | None:
        """Return when something will happen by itself, ticks apart; ``None`` if nothing is pending."""
        return _earliest(self.backend.next_event_at(), self._agenda.next_at())

    def now(self) -> float:
        return self.clock.now()

    def caller_delay(self, until: float) -> float:
        """Return how many seconds a caller has to wait; a standing clock counts its own seconds."""
        real = self.clock.real_delay(until)
        return until - self.now() if real is None else real

    def catch_up(self) -> None:
        """Let everything happen that is due, in order."""
        now = self.now()
        if not self._catching_up:
            self._catching_up = True
            try:
                self._run_agendas(now)
            finally:
                self._catching_up = False
        self.backend.advance(now)
        self._check()
        for follower in self._followers:
            follower()

    def _run_agendas(self, now: float) -> None:
        while (due := _earliest(self._agenda.next_at(), self._ticks.next_at())) is not None and due <= now:
            self.backend.advance(due)
            self._agenda.run(due)
            self._ticks.run(due)

    def advance(self, seconds: float) -> float:
        """Move the clock forward and return the new time."""
        if not seconds >= 0:
            raise ValueError(f"seconds must not be negative, but is {seconds}")
        self.clock.advance_to(self.now() + seconds)
        self.catch_up()
        self._rearm()
        return self.now()

    def jump(self, *, ticking: bool = False) -> bool:
        """Move the clock to the next event, or to the next tick if that is wanted; ``False`` if nothing is pending."""
        self.catch_up()
        due = _earliest(self.next_event_at(), self._ticks.next_at() if ticking else None)
        if due is None:
            return False
        self.clock.advance_to(max(due, self.now()))
        self.catch_up()
        self._rearm()
        return True

    def run_until_idle(self) -> float:
        """Jump from event to event until nothing is pending and return the new time."""
        for _ in range(MAX_STEPS):
            if not self.jump():
                return self.now()
        raise RuntimeError(f"something is still pending after {MAX_STEPS} events")

    @contextmanager
    def watching(self) -> Generator[None]:
        """Keep the clock's timer set while somebody waits for events."""
        self._watching += 1
        self._rearm()
        try:
            yield
        finally:
            self._watching -= 1
            self._rearm()

    async def wait(self, subject: str, timeout: float) -> bool:
        """Wait until something happens to ``subject``; ``False`` after ``timeout`` real seconds without."""
        future = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(subject, set())
        waiters.add(future)
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            return False
        else:
            return True
        finally:
            waiters.discard(future)
            if not waiters and self._waiters.get(subject) is waiters:
                del self._waiters[subject]

    async def reach(self, at: float) -> None:
        """Wait until the clock gets to ``at``; an automatic one does not go there for that."""
        reached = asyncio.Event()
        call_off = self.schedule(at, reached.set, ticking=True)
        try:
            with self.watching():
                await reached.wait()
        finally:
            call_off()

    def wake_all(self) -> None:
        """Wake everybody who waits, for example because the server stops."""
        for subject in list(self._waiters):
            self._wake(subject)

    def _notice(self, event: Event) -> None:
        self._wake(event.subject)
        if self._watching and not self._rearming:
            # Later, because this is called from inside the cluster's own step.
            self._rearming = True
            asyncio.get_running_loop().call_soon(self._rearm)

    def _wake(self, subject: str) -> None:
        for future in self._waiters.pop(subject, ()):
            if not future.done():
                future.set_result(None)

    def _rearm(self) -> None:
        self._rearming = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._watching:
            return
        due = _earliest(self.next_event_at(), self._ticks.next_at())
        delay = None if due is None else self.clock.real_delay(due)
        if delay is not None:
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.catch_up()
        self._rearm()


def _earliest(*instants: float | None) -> float | None:
    return min((instant for instant in instants if instant is not None), default=None)
