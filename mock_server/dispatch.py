"""From a request's port, host and path to an endpoint; the table is built once per process.

A port of its own stands for one family, and so does a host that the documents print.  Elsewhere a mount prefix chooses the
family, and without one the path does: ``/v1`` leads to the platform, ``/api/v1`` to workflows and,
without overlap, to the job service.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mock_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_server.routes import Endpoint, Family

PORT = "mock_server.port"
"""Scope key for the name of the family that the port stands for, absent if it stands for all."""

KNOWN, SHORT = 512, 256
"""How many paths are remembered, and how long they may be."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where a path leads: its family, and the endpoints by method if the path exists."""

    family: Family
    path: str
    methods: Mapping[str, Endpoint]
    params: Mapping[str, str]
    mount: str = ""

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
        self._known = lru_cache(KNOWN)(self._look_up)

    def match(self, raw_path: str, host: str = "", name: str | None = None) -> Match:
        """Look up a path as it came over the wire; percent-encoded slashes stay inside their segment.

        ``host`` is the Host header, ``name`` the family that the port stands for.  The answer may be one of before.
        """
        look_up = self._known if len(raw_path) + len(host) <= SHORT else self._look_up
        return look_up(raw_path, host, name)

    def _look_up(self, raw_path: str, host: str, name: str | None) -> Match:
        chosen = self._chosen(host, name)
        for family in chosen or self.families:
            mount = family.dialect.mount
            if raw_path.startswith(mount + "/"):
                return _match(family, raw_path[len(mount) :], mount)
        candidates = chosen or [family for family in self.families if family.dialect.by_path]
        # Of those that share a prefix, the one that says what it wants of it answers for what is not there.
        below = sorted((family for family in candidates if family.dialect.claims(raw_path)), key=_is_unspecific)
        matches = [_match(family, raw_path) for family in below or candidates[:1]]
        return next((match for match in matches if match.methods), matches[0])

    def _chosen(self, host: str, name: str | None) -> list[Family]:
        """Return the families that a port or a host stands for, none if it stands for all."""
        if name is not None:
            return [family for family in self.families if family.dialect.name == name]
        bare = host.lower().partition(":")[0]
        return [family for family in self.families if bare in family.dialect.hosts]


def _is_unspecific(family: Family) -> bool:
    return not family.dialect.nouns


def _match(family: Family, path: str, mount: str = "") -> Match:
    for alias in family.dialect.aliases:
        if path.startswith(alias + "/"):
            path = family.dialect.prefix + path[len(alias) :]
    found = [endpoint for endpoint in family.endpoints if endpoint.pattern.fullmatch(path)]
    # Of paths that match, such as /jobs/bulk and /jobs/{job_id}, the one that was declared first.
    methods = {endpoint.method: endpoint for endpoint in reversed(found) if endpoint.path == found[0].path}
    values = found[0].pattern.fullmatch(path) if found else None
    params = {} if values is None else {name: unquote(value) for name, value in values.groupdict().items()}
    return Match(family, path, methods, params, mount)
