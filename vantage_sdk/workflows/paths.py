"""How ids become parts of a path, and which links of an answer may be followed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from vantage_sdk.core.shapes import is_whole
from vantage_sdk.core.urls import resolve_link, same_origin

if TYPE_CHECKING:
    from vantage_sdk.config import Config

Id = int | str


def id_text(value: Id, name: str) -> str:
    """Return an id as text; raise ``TypeError`` or ``ValueError`` for what can be none, before anything is sent."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} takes a number or text, not {type(value).__name__}")
    if not is_whole(value, 0):
        raise ValueError(f"{name} is a number from 0, not {value}")
    return str(value)


def followed(link: object, config: Config) -> str | None:
    """Return path and query of a link below the base URL, ``None`` if it leads elsewhere, where no credential may go."""
    url = resolve_link(link, config.base_url) if isinstance(link, str) else None
    if url is None or not same_origin(url, config.base_url):
        return None
    parts = urlsplit(url)
    steps = re.split(r"[/\\]", unquote(unquote(parts.path)))
    if not parts.path.startswith(f"{config.path_prefix}/") or {".", ".."}.intersection(steps):
        return None
    return parts.path.removeprefix(config.path_prefix) + (f"?{parts.query}" if parts.query else "")
