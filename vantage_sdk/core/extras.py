"""Libraries that are not installed with the client unless asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def installed(name: str, caller: str, extra: str) -> Any:
    """Return a library that is an extra; raise ``ImportError`` that names the extra."""
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(
            f"{caller} needs the extra: vantage-sdk[{extra}]; pip install 'vantage-sdk[{extra}]'"
        ) from None
