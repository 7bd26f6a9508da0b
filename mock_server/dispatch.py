"""From a path to an endpoint; the table is built once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mock_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.routes import Endpoint, Family


@dataclass(frozen=True, slots=True)
class Match:
    """Where a path leads: its family, and the endpoints by method if the path exists."""

    family: Family
    path: str
    methods: dict[str, Endpoint]
    params: dict[str, str]

    def endpoint(self, method: str) -> Endpoint:
        """Return the endpoint for ``method`` or raise a 404 or 405."""
        if not self.methods:
            raise ApiError(404, "There is nothing at this path", details={"path": self.path[:200]})
        if method not in self.methods:
            allowed = ", ".join(sorted(self.methods))
            raise ApiError(
                405,
                f"This path allows {allowed}",
                details={"allowed": sorted(self.methods)},
                headers={"Allow": allowed},
            )
        return self.methods[method]


class Dispatcher:
    """Finds the endpoints of all families; the first family also answers for paths that belong to none."""

    def __init__(self, families: Sequence[Family]) -> None:
        self.families = tuple(families)

    def match(self, raw_path: str) -> Match:
        """Look up a path as it came over the wire; percent-encoded slashes stay inside their segment."""
        family, path = self._family(raw_path)
        methods: dict[str, Endpoint] = {}
        params: dict[str, str] = {}
        for endpoint in family.endpoints:
            if found := endpoint.pattern.fullmatch(path):
                methods.setdefault(endpoint.method, endpoint)
                params = {name: unquote(value) for name, value in found.groupdict().items()}
        return Match(family, path, methods, params)

    def _family(self, path: str) -> tuple[Family, str]:
        for family in self.families:
            mount = family.dialect.mount
            if path.startswith(mount + "/"):
                return family, path[len(mount) :]
        for family in self.families:
            if path.startswith(family.dialect.prefix + "/"):
                return family, path
        return self.families[0], path
