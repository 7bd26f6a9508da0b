"""Accounts of the operating system."""

from __future__ import annotations

import pwd


def uid(account: str) -> int | None:
    """Return the number of an account, ``None`` if this machine does not know it."""
    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError:
        return None
