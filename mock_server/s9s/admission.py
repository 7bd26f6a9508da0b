"""What a site lets a user ask for: its partitions, accounts and qualities of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.errors import invalid_field

if TYPE_CHECKING:
    from mock_server.cluster.backend import ClusterBackend


def check_admission(
    cluster: ClusterBackend, user_id: str, partition: str, account: str | None, qos: str | None
) -> None:
    """Refuse names that there are not; where a user has associations in a partition, one of them must allow the rest."""
    if partition not in cluster.partitions:
        raise invalid_field("partition", f"There is no partition {partition!r}")
    if account is not None and account not in cluster.accounts:
        raise invalid_field("account", f"There is no account {account!r}")
    if qos is not None and qos not in cluster.qos:
        raise invalid_field("qos", f"There is no quality of service {qos!r}")
    own = [each for each in cluster.associations if (each.user_id, each.partition) == (user_id, partition)]
    usable = [each for each in own if account is None or each.account == account]
    if own and not usable:
        raise invalid_field("account", "Invalid account or account/partition combination specified")
    if usable and qos is not None and not any(qos in each.qos for each in usable):
        raise invalid_field("qos", "Invalid qos specification")
