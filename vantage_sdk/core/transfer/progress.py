"""How far a transfer is, told to whoever wants to know."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vantage_sdk.core.io.port import IO

Listener = Callable[[int, int], object]
INTERVAL = 0.05  # seconds between two reports


class Meter:
    """Counts bytes of all the parts of a transfer, from any thread, and reports them.

    Reports never go back and never repeat; the total is reported once, by ``finish``, and nothing is where it is 0.  What a
    listener raises ends the transfer.  A total that is not known from the beginning grows, and exceeds what is done.
    """

    def __init__(self, total: int, listeners: Sequence[Callable[..., None]] = ()) -> None:
        self.total = total
        self._listeners = listeners
        self._counting = threading.Lock()
        self._telling = threading.Lock()
        self._done = 0
        self._told = 0
        self._again = 0.0
        self.refused = False
        """Whether a listener has raised something."""

    def gauge(self) -> Gauge:
        """Return the gauge of one part."""
        return Gauge(self)

    def grow(self, total: int) -> None:
        """Say that there are ``total`` bytes at the least."""
        self.total = total

    def share(self, total: int) -> Meter:
        """Return the meter of one of several files, whose bytes count here."""
        gauge = self.gauge()

        def count(done: int, _: int) -> None:
            gauge.reach(done)

        return Meter(total, [count])

    def raise_to(self, gauge: Gauge, done: int) -> None:
        """Count what a gauge has gained."""
        with self._counting:
            if done <= gauge.reached:
                return
            self._done += done - gauge.reached
            gauge.reached = done
            counted = self._done  # others go on counting
        if self._listeners and counted < self.total and time.monotonic() >= self._again:
            self._tell(counted)

    def finish(self) -> None:
        """Report that all of it is done."""
        self._tell(self.total)

    def _tell(self, done: int) -> None:
        if not self._telling.acquire(blocking=False):  # whoever reports now may wait for the thread that comes here
            return
        try:
            if done > self._told:
                self._told = done
                self._again = time.monotonic() + INTERVAL
                for listener in self._listeners:
                    listener(done, self.total)
        except BaseException:
            self.refused = True
            raise
        finally:
            self._telling.release()


class Gauge:
    """How far one part is; a part that starts again counts only from where it was before."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.reached = 0

    def reach(self, done: int) -> None:
        """Say that ``done`` bytes of the part are through."""
        self._meter.raise_to(self, done)


class Bar:
    """A progress bar of tqdm on standard error; without a total it only counts."""

    def __init__(self, total: int | None, name: str) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise ImportError("progress=True needs the extra: vantage-sdk[progress]") from None
        self._bar: Any = tqdm(total=total, desc=name, unit="B", unit_scale=True, unit_divisor=1024)

    def __call__(self, done: int, _total: int) -> None:
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


def is_watched() -> bool:
    """Tell whether somebody sees a bar: on a terminal or in a notebook."""
    if sys.stderr is not None and sys.stderr.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        return True
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config


class Listeners:
    """Who wants to know how far one transfer is: the user's callback, and a bar if somebody sees it.

    ``name`` is what stands before the bar, ``None`` for no bar.
    """

    def __init__(self, io: IO, callback: Listener | None, name: str | None) -> None:
        if callback is not None and not callable(callback):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"progress_callback takes a function, not {type(callback).__name__}")
        if iscoroutinefunction(callback):
            raise TypeError(
                "progress_callback takes an ordinary function: nothing awaits it, also in an AsyncVantageClient"
            )
        self._io = io
        self._callback = callback
        self._name = name
        self._bar: Bar | None = None

    def meter(self, total: int | None) -> Meter:
        """Return the meter of a transfer of ``total`` bytes, ``None`` for one whose total is to grow."""
        listeners: list[Listener] = [] if self._callback is None else [self._callback]
        if self._name is not None and total != 0 and is_watched():
            self._bar = Bar(total, self._name)
            listeners.append(self._bar)
        return Meter(total or 0, [self._io.tell(listener) for listener in listeners])

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
