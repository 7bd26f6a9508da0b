"""The attributes of a client of S9S, one noun each; what they need is loaded when they are first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vantage_sdk.core.resource import Mode, ResourceSet

if TYPE_CHECKING:
    from vantage_sdk.s9s.events import Events


class Resources(ResourceSet[Mode]):
    """What a client of S9S offers, in one of its faces."""

    @cached_property
    def events(self) -> Events[Mode]:
        """Be told of changes as they happen."""
        from vantage_sdk.s9s.events import Events

        return Events(self._sender, self._mode)
