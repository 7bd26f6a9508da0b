"""What S9S keeps beside the cluster, made at first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mock_server.s9s.artifacts import Artifacts

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

    @cached_property
    def exports(self) -> Artifacts:
        """The exports that have not expired."""
        from mock_server.s9s.documented_files import documented_export
        from mock_server.s9s.exports import LIFETIME

        exports = Artifacts(self._state, "export", lifetime=LIFETIME)
        if self._state.settings.world == "documented":
            exports.put(*documented_export(self._state))
        return exports

    @cached_property
    def reports(self) -> Artifacts:
        """The latest reports."""
        return Artifacts(self._state, "report")

    async def aclose(self) -> None:
        """Break off what is being written, and forget the files."""
        for name in ("exports", "reports"):
            files: Artifacts | None = vars(self).pop(name, None)
            if files is not None:
                await files.aclose()

    def close(self) -> None:
        """End what goes on; what was made is not used any more."""
        for name in ("exports", "reports"):
            if name in vars(self):
                vars(self)[name].close()
        if "catalogue" in vars(self):
            self.catalogue.close()
        if "hub" in vars(self):
            self.hub.close()
