"""What the world refuses."""

from __future__ import annotations


class WorldError(Exception):
    """Base of what the world refuses."""


class MissingError(WorldError):
    """No such thing; ``kind`` and ``key`` say which."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"{kind.capitalize()} {key!r} not found")
        self.kind = kind
        self.key = key


class ConflictError(WorldError):
    """The state of a thing does not allow this."""


class ForbiddenError(WorldError):
    """This user may not do this."""
