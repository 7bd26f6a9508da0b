"""Other distributions install a package of this name too, and would receive the credentials meant for this one."""

from __future__ import annotations

import os
import sys
import warnings

OURS = "vantage_sdk"
LIST_LIMIT = 1 << 18  # no other distribution with this package name has a tenth of that
_MARK = b"vantage_sdk/core/io/port.py"


def warn_of_other_owners() -> None:
    """Warn if an installed distribution that is not this one provides ``vantage_sdk`` as well."""
    if others := other_owners(sys.path):
        warnings.warn(
            f"other installed distributions also provide the package {OURS!r}: {', '.join(sorted(others))}; "
            "they overwrite files of this one, so uninstall them and install vantage-sdk again",
            RuntimeWarning,
            stacklevel=3,
        )


def other_owners(path: list[str]) -> set[str]:
    """Return the distributions on ``path`` whose list of files has ``vantage_sdk`` but not this SDK's own modules.

    Reads the lists directly: ``importlib.metadata`` would cost more than the rest of the import.
    """
    found: set[str] = set()
    for folder in path:
        if not os.path.isdir(os.path.join(folder, OURS)):
            continue
        for name in _names(folder or "."):
            if not name.endswith(".dist-info"):
                continue
            files = _read(os.path.join(folder, name, "RECORD"))
            if b"\nvantage_sdk/" in b"\n" + files and _MARK not in files:
                found.add(name.removesuffix(".dist-info").replace("-", " "))
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LIST_LIMIT)
    except OSError:
        return b""
