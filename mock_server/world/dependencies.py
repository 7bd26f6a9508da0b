"""What the job service depends on, and whether it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Check = Literal["ok", "error"]

DEPENDENCIES = ("database", "redis", "kubernetes")


class Dependencies:
    """The state of each dependency; at the start all work."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = dict.fromkeys(DEPENDENCIES, "ok")

    def checks(self, broken: str | None = None) -> dict[str, Check]:
        """Return the states by name; ``broken`` is one that does not work for the one who asks."""
        return {name: "error" if name == broken else check for name, check in self._checks.items()}

    def set(self, checks: Mapping[str, Check]) -> None:
        """Change some states; an unknown name is a ``ValueError``, and then nothing changes."""
        for name in checks:
            if name not in self._checks:
                raise ValueError(f"a dependency is one of {', '.join(DEPENDENCIES)}, not {name!r}")
        self._checks.update(checks)
