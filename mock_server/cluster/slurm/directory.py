"""Who may use what of a Slurm cluster: users, accounts, qualities of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.cluster.layout import ACCOUNTS, Association, Qos
from mock_server.cluster.slurm import account_records as records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mock_server.cluster.layout import Account
    from mock_server.cluster.slurm.account_records import AssociationRecord

NORMAL = "normal"
"""The quality of service that every Slurm has."""


class Directory:
    """What the accounting said last; without accounting Slurm has one account and one quality of service for all."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users
        self._found: list[AssociationRecord] = []
        self.accounts: dict[str, Account] = {account.name: account for account in ACCOUNTS}
        self.qos: dict[str, Qos] = {NORMAL: Qos(NORMAL)}
        self.admin_levels: dict[str, str] = {}

    def update(
        self,
        associations: Iterable[dict[str, Any]],
        users: Iterable[dict[str, Any]],
        qos: Iterable[dict[str, Any]],
    ) -> None:
        """Take over lists of all."""
        raws = list(associations)
        accounts = [account for raw in raws if (account := records.account(raw)) is not None]
        qualities = [records.qos(raw) for raw in qos]
        self._found = [found for raw in raws if (found := records.association_record(raw)) is not None]
        self.accounts = {account.name: account for account in accounts}
        self.qos = {NORMAL: Qos(NORMAL)} | {each.name: each for each in qualities}
        levels = [records.admin_level(raw) for raw in users]
        self.admin_levels = {owner: level for name, level in levels if name for owner in self._owners(name)}

    def associations(self, partitions: Iterable[str]) -> list[Association]:
        """Return what everybody may use, their default account first; an account for all partitions is in each."""
        names = list(partitions)
        return [
            Association(owner, found.account, partition, found.qos)
            for found in sorted(self._found, key=lambda found: not found.is_default)
            for owner in self._owners(found.user)
            for partition in ([found.partition] if found.partition else names)
        ]

    def _owners(self, account: str) -> list[str]:
        """Return the users of the API whose jobs run as somebody, else that one itself."""
        return [user for user, runs_as in self._users.items() if runs_as == account] or [account]
