"""A server on plain sockets that plays a script: every answer, and every misbehaviour, that a client may meet."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from tests.support.messages import Bomb, Chunked, Framed, Gzip, Json, Message, Redirect, Reply, Sse, Step
from tests.support.steps import (
    Chunk,
    Close,
    CutAt,
    Drip,
    HalfClose,
    Interim,
    Reset,
    Send,
    Unanswered,
    UntilClose,
    Wait,
    WrongLength,
)
from tests.support.wire import TICK, BadRequest, Gone, Request, Wire

__all__ = [
    "BadRequest",
    "Bomb",
    "Chunk",
    "Chunked",
    "Close",
    "CutAt",
    "Drip",
    "Framed",
    "Gzip",
    "HalfClose",
    "Interim",
    "Json",
    "Message",
    "Redirect",
    "Reply",
    "Request",
    "Reset",
    "ScriptedServer",
    "Send",
    "Sse",
    "Step",
    "Unanswered",
    "UntilClose",
    "Wait",
    "WrongLength",
]

Steps = Step | Sequence[Step]
Script = Sequence[Steps] | Callable[[Request, int], Steps]


class ScriptedServer:
    """Play a script on a loopback port while the ``with`` block runs.

    A script is a list: each request takes steps up to the first that completes an answer, or one inner list as
    a whole. Or it is a function of the request and the number of its connection. Bodies are read first, unless
    ``read_body`` says no for a request, which is then the last of its connection; connections whose number is in
    ``drop`` are reset as soon as they open. ``patience`` bounds every wait. What goes wrong on the server's side
    is raised on leaving the block.
    """

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        read_body: Callable[[Request], bool] = lambda request: True,
        drop: Collection[int] = (),
        patience: float = 60.0,
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.patience = patience
        self._answer = script if callable(script) else None
        self._entries: deque[Steps] = deque(() if callable(script) else script)
        self._tls = tls
        self._read_body = read_body
        self._drop = drop
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TICK)
        self._port: int = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._state = threading.Condition()
        self._busy = 0
        self._errors: list[Exception] = []
        self._acceptor = threading.Thread(target=self._accept, name="scripted-server")
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The origin, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def left(self) -> int:
        """How many entries of a list are still unplayed."""
        return len(self._entries)

    def join(self) -> None:
        """Wait until no request is being answered, then raise what went wrong."""
        # Longer than any single wait, so that the wait which failed gets to say so.
        bound = 2 * self.patience
        with self._state:
            if not self._state.wait_for(lambda: not self._busy, bound):
                raise TimeoutError(f"still answering after {bound} s")
        self._raise_errors()

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        deadline = time.monotonic() + self.patience
        with contextlib.suppress(OSError):  # it wakes by itself a little later
            socket.create_connection(("127.0.0.1", self._port), TICK).close()
        self._acceptor.join(self.patience)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in [self._acceptor, *self._threads]):
            raise RuntimeError("a thread of the scripted server did not end")
        self._raise_errors()

    def _raise_errors(self) -> None:
        errors, self._errors = self._errors, []
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("the scripted server failed", errors)

    def _accept(self) -> None:
        with self._listener:
            while not self._stopping.is_set():
                try:
                    sock, _ = self._listener.accept()
                except TimeoutError:
                    continue
                if self._stopping.is_set():
                    sock.close()
                    return
                number, self.connections = self.connections, self.connections + 1
                thread = threading.Thread(target=self._serve, args=(sock, number), name=f"scripted-server-{number}")
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        wire = Wire(sock, self._stopping, self.patience)
        try:
            if number in self._drop:
                wire.reset()
            elif self._tls is not None:
                wire.secure(self._tls)
            while wire.open:
                self._exchange(wire, number)
        except Gone:
            pass
        except Exception as error:
            self._errors.append(error)
        finally:
            wire.close()

    def _exchange(self, wire: Wire, connection: int) -> None:
        head = wire.read_head(connection)
        with self._state:
            self._busy += 1
            request = replace(head, number=len(self.requests))
            self.requests.append(request)
        try:
            if self._read_body(request):
                request = replace(request, body=wire.read_body(request), body_read=True)
                self.requests[request.number] = request
            for step in self._steps(request):
                step.play(wire)
                if not wire.open:
                    return
        finally:
            with self._state:
                self._busy -= 1
                self._state.notify_all()
        if wire.last or not request.body_read or (request.header("connection") or "").lower() == "close":
            wire.half_close()

    def _steps(self, request: Request) -> Sequence[Step]:
        if self._answer is not None:
            steps = self._answer(request, request.connection)
            return [steps] if isinstance(steps, Step) else steps
        taken: list[Step] = []
        with self._state:
            while self._entries:
                entry = self._entries.popleft()
                taken.extend([entry] if isinstance(entry, Step) else entry)
                if not isinstance(entry, Step) or entry.ends:
                    return taken
        if not taken:
            raise AssertionError(f"nothing left to answer {request.method} {request.target} (request {request.number})")
        return taken
