"""Other distributions install a package of this name too, and would receive the credentials meant for this one."""

from __future__ import annotations

import os
import sys
import warnings

OURS = "vantage_sdk"
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
        try:
            names = [name for name in os.listdir(folder or ".") if name.endswith(".dist-info")]
        except OSError:
            continue
        for name in names:
            files = _read(os.path.join(folder, name, "RECORD"))
            if b"vantage_sdk/" in files and _MARK not in files:
                found.add(name.removesuffix(".dist-info").replace("-", " "))
    return found


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1 << 24)
    except OSError:
        return b""
