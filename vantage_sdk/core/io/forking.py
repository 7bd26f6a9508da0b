"""After a fork the child must neither share sockets nor inherit a held lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

_renewed: WeakSet[Any] = WeakSet()


def renew_after_fork(owner: Any) -> None:
    """Call ``owner.after_fork()`` in every child process from now on, as long as ``owner`` lives."""
    _renewed.add(owner)


def _in_child() -> None:
    for owner in list(_renewed):
        owner.after_fork()


_register: Callable[..., None] | None = getattr(os, "register_at_fork", None)
if _register is not None:  # not on Windows
    _register(after_in_child=_in_child)
