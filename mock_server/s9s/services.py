"""What S9S keeps beside the cluster, made at first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_server.s9s.catalogue import Catalogue
    from mock_server.s9s.hub import Hub
    from mock_server.state import ServerState


class Services:
    """The parts of one server that only S9S needs."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    @cached_property
    def hub(self) -> Hub:
        """The channels of ``/v1/ws``."""
        from mock_server.s9s.hub import Hub

        return Hub(self._state)

    @cached_property
    def catalogue(self) -> Catalogue:
        """What searches go through."""
        from mock_server.s9s.catalogue import Catalogue

        return Catalogue(self._state)

    def close(self) -> None:
        """End what goes on; what was made is not used any more."""
        if "catalogue" in vars(self):
            self.catalogue.close()
        if "hub" in vars(self):
            self.hub.close()
