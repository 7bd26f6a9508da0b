"""Bodies that are not JSON and may be of any size; a handler's annotation says which one its endpoint takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from mock_server.incoming import Incoming
    from mock_server.state import ServerState


class StreamBody(ABC):
    """Made by ``take`` before the handler runs, and discarded after it."""

    media: ClassVar[str]
    further_media: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[dict[str, Any]]
    keyed: ClassVar[bool] = True
    """Whether an idempotency key means something; then ``fingerprint`` is what makes two bodies the same."""

    @classmethod
    @abstractmethod
    async def take(cls, incoming: Incoming, state: ServerState) -> Self:
        """Return the body, as far as it has to be read before the handler runs."""

    @property
    def fingerprint(self) -> bytes:
        return b""

    async def discard(self) -> None:  # noqa: B027 - a body that holds nothing has nothing to let go
        """Let go of what the handler did not use."""


class RawBody(StreamBody):
    """A body that the handler reads itself."""

    schema = {"type": "string", "format": "binary"}
    keyed = False

    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming

    @classmethod
    async def take(cls, incoming: Incoming, state: ServerState) -> Self:  # noqa: ARG003 - nothing is read here
        return cls(incoming)
