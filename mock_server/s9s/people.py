"""Login names: S9S knows users by them, the cluster by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mock_server.world.users import User


class People:
    """The users of a server, by both names; a user that only jobs know goes by its id."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = users

    def username(self, user_id: str) -> str:
        user = self._users.get(user_id)
        return user_id if user is None else user.username

    def ids(self, username: str) -> frozenset[str]:
        """Return the ids of everybody with this login name."""
        known = {key for key, user in self._users.items() if user.username == username}
        return frozenset(known or {username} - self._users.keys())

    def home(self, user_id: str) -> str:
        """Return the home directory of a user."""
        return f"/home/{self.username(user_id)}"
