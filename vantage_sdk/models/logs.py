"""What a job has written, as text that knows its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

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


def log_text(answer: Answer) -> Logs:
    """Decode a log, which is an object with ``lines``, or plain text."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return Logs(answer.body.decode("utf-8", "replace").splitlines())
    body = as_object(parsed(answer)) or {}
    lines = as_list(body.get("lines"))
    if lines is None:
        raise ValueError("no list under 'lines'")
    return Logs([str(line) for line in lines], body.get("total_lines"))
