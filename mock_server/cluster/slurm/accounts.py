"""Accounts of the operating system."""

from __future__ import annotations

import os
import pwd
from typing import TypedDict

from mock_server.cluster.backend import DeniedError


class Rights(TypedDict, total=False):
    """Whose a new process is, as ``subprocess`` wants to hear it; empty for the server's own account."""

    user: int
    group: int
    extra_groups: list[int]


UNKNOWN = -1

_uids: dict[str, int] = {}


def uid(account: str) -> int:
    """Return the number of an account, which does not change; ``UNKNOWN``, which owns no file, if there is none here."""
    known = _uids.get(account)
    if known is None:
        try:
            known = _uids[account] = pwd.getpwnam(account).pw_uid
        except KeyError:
            return UNKNOWN
    return known


def rights(account: str | None) -> Rights:
    """Return what makes a process that of an account; only root may make one for somebody else."""
    if account is None:
        return {}
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        raise DeniedError(f"this machine has no account {account!r}") from None
    if entry.pw_uid == os.geteuid():
        return {}
    if os.geteuid() != 0:
        raise DeniedError(f"without slurmrestd only a server that runs as root can act for {account!r}")
    groups = os.getgrouplist(account, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
