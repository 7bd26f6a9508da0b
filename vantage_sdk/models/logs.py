"""The log of a job as text, whichever form the server sent it in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from vantage_sdk.core.lines import EventDecoder, LineDecoder
from vantage_sdk.core.shapes import as_list, as_object
from vantage_sdk.models.base import parsed

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer


class Logs(str):
    """The text of a log, with its ``lines`` and the number of lines before ``tail`` cut some off."""

    __slots__ = ("lines", "total_lines")

    lines: list[str]
    total_lines: int

    def __new__(cls, lines: Sequence[str], total_lines: int | None = None) -> Self:
        text = super().__new__(cls, "\n".join(lines))
        text.lines = [*lines]
        text.total_lines = len(lines) if total_lines is None else total_lines
        return text

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.lines, self.total_lines


def logs_of(answer: Answer) -> Logs:
    """Decode a log: a JSON object with ``lines``, an event stream, or text."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/json"):
        body = as_object(parsed(answer)) or {}
        lines = as_list(body.get("lines"))
        if lines is None:
            raise ValueError("no list under 'lines'")
        return Logs([str(line) for line in lines], body.get("total_lines"))
    if kind.startswith("text/event-stream"):
        events = EventDecoder().feed(answer.body)
        return Logs([event.data for event in events if event.event == "message"])
    decoder = LineDecoder()
    return Logs([*decoder.feed(answer.body), *decoder.flush()])
