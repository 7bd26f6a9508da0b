"""Bytes in, lines of text or server-sent events out; the same ones however the bytes were cut."""

from __future__ import annotations

import re
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
MAX_LINE = MAX_EVENT = 16 * 1024 * 1024
_ONLY_PYTHON_BREAKS_HERE = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_ID = re.compile(r"id: (0|[1-9][0-9]{0,17})")
_ONE = re.compile(rb"id: (0|[1-9][0-9]{0,17})\ndata: ([^\r\n]*)\n\n")
_RETRY = re.compile(r"[0-9]{1,10}")


class LineTooLong(ValueError):
    """A line or an event is longer than the decoder may hold."""


class LineDecoder:
    """Splits UTF-8 at LF, CRLF and CR, and nowhere else; bytes that are not UTF-8 become U+FFFD.

    ``max_line`` bounds the bytes of one line.  A decoder that has raised is spent.
    """

    __slots__ = ("_after_cr", "_max", "_started", "_tail")

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max = max_line
        self._tail = bytearray()
        self._after_cr = False
        self._started = False

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that ``chunk`` completes; raise ``LineTooLong`` if one passes the bound."""
        carriage = b"\r" in chunk
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        end = chunk.rfind(b"\n")
        if carriage:
            end = max(end, chunk.rfind(b"\r"))
            self._after_cr = chunk.endswith(b"\r")
        if end < 0:
            self._tail += chunk
            self._check(self._tail)
            return []
        head = self._tail + chunk[: end + 1] if self._tail else chunk[: end + 1]
        self._tail = bytearray(chunk[end + 1 :])
        if len(head) > self._max or len(self._tail) > self._max:
            self._check(head)
            self._check(self._tail)
        # LF and CR are never part of a longer UTF-8 sequence: whole lines decode alike alone and together
        text = head.decode("utf-8", "replace") if self._started else self._first(head)
        if carriage:
            return _split(text)
        lines = text.split("\n")
        lines.pop()
        return lines

    def flush(self) -> list[str]:
        """Return the last line if the stream ended without a terminator."""
        text = self._first(self._tail) if not self._started else self._tail.decode("utf-8", "replace")
        self._tail.clear()
        return [text] if text else []

    def _first(self, data: bytes | bytearray) -> str:
        self._started = True
        return data.removeprefix(BOM).decode("utf-8", "replace")

    def _check(self, data: bytes | bytearray) -> None:
        if len(data) > self._max and max(map(len, data.splitlines())) > self._max:
            raise LineTooLong(f"a line is longer than {self._max} bytes")


def _split(text: str) -> list[str]:
    """Return the lines of ``text``, all terminated; ``splitlines`` is fast but breaks at more than it may."""
    for mark in _ONLY_PYTHON_BREAKS_HERE:
        if mark in text:
            return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    return text.splitlines()


class ServerSentEvent(NamedTuple):
    """One event; ``id`` is the id that the event itself carried, ``None`` if it had none."""

    event: str
    data: str
    id: str | None


class EventDecoder:
    """Parses an event stream by the rules of the HTML standard (9.2.6); an event without its final blank line is lost.

    ``last_event_id``: what ``Last-Event-ID`` should say on reconnecting; ``retry_seconds``: the pause that the server
    asked for, ``None`` if it did not (more than ten digits count as not asked); ``max_event`` bounds the bytes of one
    event.  A decoder that has raised is spent.
    """

    __slots__ = ("_after_cr", "_max", "_scanned", "_started", "_tail", "last_event_id", "retry_seconds")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max = max_event
        self._tail = bytearray()
        self._scanned = 0
        self._after_cr = False
        self._started = False
        self.last_event_id = ""
        self.retry_seconds: float | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that ``chunk`` completes; raise ``LineTooLong`` if one passes the bound."""
        if not chunk:
            return []
        tail, before = self._tail, len(self._tail)
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        tail += chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk
        if not self._started and not self._start():
            return []
        end = tail.rfind(b"\n\n", max(0, before - 1))
        events: list[ServerSentEvent] = []
        if end >= 0:
            head = bytes(tail[:end])
            del tail[: end + 2]
            self._scanned = before = 0
            self._check(head)
            events = self._parse(head.decode("utf-8", "replace"))
        self._check(tail)
        self._scan_retry(before)
        return events

    def numbered(self, chunk: bytes) -> tuple[int, list[str]] | None:
        """Return the first number and the data of the events that ``chunk`` completes, if they are numbered one by one.

        That is what logs look like, and a tenth of the work.  ``None`` for anything else, which is left for ``feed``.
        """
        is_alone = self._started and not self._tail and not self._after_cr and len(chunk) <= self._max
        if is_alone and (one := _ONE.fullmatch(chunk)):
            self.last_event_id = one[1].decode()
            return int(one[1]), [str(one[2], "utf-8", "replace")]
        if b"\n\n" not in chunk and not (chunk.startswith(b"\n") and self._tail.endswith(b"\n")):
            return None  # before the tail is copied, or a long event would cost the square of its length
        data = self._tail + chunk if self._tail else chunk
        end = data.rfind(b"\n\n") + 2
        if end < 2 or end > self._max or b"\r" in chunk or self._after_cr or not (self._started or data[:4] == b"id: "):
            return None
        found = _one_by_one(str(data[:end], "utf-8", "replace"))
        if found is None:
            return None
        self._started, self._scanned = True, 0
        self._tail = bytearray(data[end:])
        self._check(self._tail)
        self._scan_retry(0)
        self.last_event_id = str(found[0] + len(found[1]) - 1)
        return found

    def _start(self) -> bool:
        if len(self._tail) < len(BOM) and BOM.startswith(self._tail):
            return False
        self._started = True
        if self._tail.startswith(BOM):
            del self._tail[: len(BOM)]
        return True

    def _check(self, data: bytes | bytearray) -> None:
        if len(data) > self._max and max(len(block.strip(b"\n")) for block in data.split(b"\n\n")) > self._max:
            raise LineTooLong(f"an event is longer than {self._max} bytes")

    def _scan_retry(self, new: int) -> None:
        """Obey ``retry`` at the end of its line, as the standard has it: its event may never be completed.

        ``new``: where the bytes begin that were not in the tail before.
        """
        end = self._tail.rfind(b"\n", new) + 1
        if end:
            for line in self._tail[self._scanned : end].split(b"\n"):
                if line.startswith(b"retry:"):
                    self._field("retry", line[6:].decode("utf-8", "replace").removeprefix(" "))
            self._scanned = end

    def _parse(self, text: str) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        fast = "\0" not in text
        for block in text.split("\n\n"):
            first, _, rest = block.partition("\n")
            if fast and rest[:6] == "data: " and first[:4] == "id: " and "\n" not in rest:
                self.last_event_id = own_id = first[4:]
                events.append(ServerSentEvent("message", rest[6:], own_id))
            elif not rest and first[:6] == "data: ":
                events.append(ServerSentEvent("message", first[6:], None))
            elif (event := self._event(block)) is not None:
                events.append(event)
        return events

    def _event(self, block: str) -> ServerSentEvent | None:
        kind, own_id, data = "", None, list[str]()
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id" and "\0" not in value:
                own_id = value
            else:
                self._field(name, value)
        if own_id is not None:
            self.last_event_id = own_id
        return ServerSentEvent(kind or "message", "\n".join(data), own_id) if data else None

    def _field(self, name: str, value: str) -> None:
        if name == "retry" and _RETRY.fullmatch(value):
            self.retry_seconds = int(value) / 1000


def _one_by_one(text: str) -> tuple[int, list[str]] | None:
    """Return the first number and the data of events that are an id, a line of data and a blank line each, in this order."""
    lines = text.split("\n")
    ids, data, first = lines[:-1:3], lines[1::3], _ID.fullmatch(lines[0])
    if first is None or len(lines) != 3 * len(ids) + 1:
        return None
    number = int(first[1])
    if ids != [f"id: {each}" for each in range(number, number + len(ids))] or any(lines[2::3]):
        return None
    # Neither an id nor a blank line begins so: if there are as many as events, every line of data does.
    return (number, [line[6:] for line in data]) if text.count("\ndata: ") == len(ids) else None
