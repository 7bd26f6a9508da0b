"""What a raw form shows beside the result: the last answer of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vantage_sdk.config import Config
    from vantage_sdk.core.answer import Answer
    from vantage_sdk.core.io.abort import Abort
    from vantage_sdk.core.request import Request
    from vantage_sdk.core.sending import Sender


class Recorder:
    """A sender that remembers the last answer, for calls that return it beside their result."""

    def __init__(self, sender: Sender | Recorder, seen: list[Answer] | None = None) -> None:
        self._sender: Any = sender
        self._seen = [] if seen is None else seen
        self.config: Config = sender.config

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sender, name)

    @property
    def last(self) -> Answer | None:
        """The last answer, ``None`` if there was none."""
        return self._seen[-1] if self._seen else None

    def bound_to(self, abort: Abort) -> Recorder:
        return Recorder(self._sender.bound_to(abort), self._seen)

    async def fetch(self, request: Request[Any], options: Mapping[str, Any]) -> Answer:
        answer: Answer = await self._sender.fetch(request, options)
        self._seen[:] = [answer]
        return answer
