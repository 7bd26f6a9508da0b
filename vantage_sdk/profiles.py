"""The file that holds profiles: a table for each, and in it one for each further service."""

from __future__ import annotations

import os
import stat
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vantage_sdk.core.shapes import as_object
from vantage_sdk.exceptions import ConfigError

LIMITS = ("timeout", "max_retries", "deadline", "max_retry_wait")
KNOWN = {
    "vantage": ("api_key", "base_url", "organization", "workflows_url", "workflows_key"),
    "jobservice": ("base_url", "token"),
    "s9s": ("base_url", "token", "api_key", "client_id", "client_secret", "cert"),
}
"""What the table of a family may set beside the limits; the platform's is the profile itself, the others are within it."""


def config_file() -> Path:
    """Return where profiles are kept: ``vantage/config.toml`` in the user's configuration folder."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "vantage" / "config.toml"


def profile_table(name: str | None, family: str) -> tuple[Mapping[str, Any], str]:
    """Return what a profile says of a family, and how to call that place.

    ``name``: the profile's, default that of ``VANTAGE_PROFILE``, else ``default``.  The table is ``[name]`` for the platform and
    ``[name.family]`` for another service, empty if there is none.  Raises ``ConfigError`` if a profile that was asked for
    is missing, or the table has something unknown.
    """
    chosen = name or os.environ.get("VANTAGE_PROFILE") or None
    path = config_file()
    try:
        text = path.read_bytes()
    except OSError:
        if chosen is None:
            return {}, ""
        raise ConfigError(f"profile {chosen!r} was asked for, but {path} cannot be read") from None
    _warn_if_public(path)
    try:
        tables = tomllib.loads(text.decode())
    except ValueError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from None
    table = as_object(tables.get(chosen or "default"))
    if table is None:
        if chosen is None:
            return {}, ""
        raise ConfigError(f"{path} has no profile {chosen!r}; it has: {', '.join(sorted(tables)) or 'none'}")
    shown = repr(chosen or "default")
    if family == "vantage":
        table = {key: value for key, value in table.items() if key not in KNOWN or as_object(value) is None}
    else:
        shown, table = f"{shown}, table {family!r},", as_object(table.get(family)) or {}
    if unknown := [key for key in table if key not in (*KNOWN[family], *LIMITS)]:
        raise ConfigError(f"{path}: profile {shown} has unknown settings: {', '.join(unknown)}")
    return table, f"profile {shown} of {path}"


def _warn_if_public(path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        warnings.warn(f"{path} can be read by others; run: chmod 600 {path}", UserWarning, stacklevel=2)
