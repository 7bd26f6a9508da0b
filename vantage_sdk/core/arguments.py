"""Checks of arguments, made before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from vantage_sdk.core.request import CallOptions
from vantage_sdk.core.shapes import as_object, is_whole
from vantage_sdk.core.urls import Origin

Time = str | datetime
Id = int | str


def own(filters: type[Any]) -> tuple[str, ...]:
    """Return the names of filters in their order, without the options that every method takes."""
    return tuple(name for name in filters.__annotations__ if name not in CallOptions.__annotations__)


def as_time(value: Time | None, name: str) -> Time | None:
    """Return a time as it was given; raise ``TypeError`` or ``ValueError`` if it is none, or an unaware ``datetime``."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name} needs a time zone, for example datetime.now(UTC)")
    elif isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{name} takes ISO 8601 text such as 2024-01-15T10:30:00Z, not {value[:40]!r}") from None
    elif value is not None:
        raise TypeError(f"{name} takes text or a datetime, not {type(value).__name__}")
    return value


def id_text(value: Id, name: str) -> str:
    """Return an id as text; raise ``TypeError`` or ``ValueError`` for what can be none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} takes a number or text, not {type(value).__name__}")
    if not is_whole(value, 0):
        raise ValueError(f"{name} is a number from 0, not {value}")
    return str(value)


def as_count(value: Any, name: str, least: int) -> int:
    """Return a whole number of at least ``least``; raise ``TypeError`` or ``ValueError`` for all else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} takes a whole number, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} is a number from {least}, not {value}")
    return value


def as_texts(value: Any, name: str) -> dict[str, str]:
    """Return a mapping of text to text; raise ``TypeError``, not quoting a value, for all else."""
    found = as_object(value)
    if found is None:
        raise TypeError(f"{name} takes a mapping, not {type(value).__name__}")
    for key, text in found.items():
        for part in (key, text):
            if not isinstance(part, str):
                raise TypeError(f"{name}[{key!r}] takes text, not {type(part).__name__}")
    return dict(found)


def as_text(value: Any, name: str) -> str:
    """Return text that says something; raise ``TypeError`` or ``ValueError`` for all else."""
    if not isinstance(value, str):
        raise TypeError(f"{name} takes text, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} cannot be empty")
    return value


def as_word(value: Any, name: str, words: Iterable[str]) -> str:
    """Return one of the ``words``; raise ``ValueError`` for another."""
    if value not in (known := [*words]):
        raise ValueError(f"{name} is one of {', '.join(known)}, not {value!r}")
    return str(value)


def as_words(values: Any, name: str, words: Iterable[str]) -> list[str] | None:
    """Return those of the ``words`` that were chosen, each once, ``None`` for none of them.

    Raises ``TypeError`` or ``ValueError`` for all else.
    """
    if not isinstance(values, str) and not hasattr(values, "__iter__"):
        raise TypeError(f"{name} takes several names, not {type(values).__name__}")
    known, chosen = [*words], [values] if isinstance(values, str) else [*values]
    return [*dict.fromkeys(as_word(word, name, known) for word in chosen)] or None


def as_url(value: Any, name: str) -> str:
    """Return an absolute ``http`` or ``https`` URL; messages do not quote it, it may hold a password."""
    text = as_text(value, name)
    try:
        Origin.of(text)
    except ValueError as error:
        problem = str(error).replace("the URL", name)
    else:
        if urlsplit(text).scheme in ("http", "https"):
            return text
        problem = f"{name} must begin with https://, as in https://host.example"
    raise ValueError(problem)


def as_names(values: Any, name: str) -> list[str]:
    """Return one or more different texts; raise ``TypeError`` or ``ValueError`` for all else."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name} takes several names, not {type(values).__name__}")
    found = [as_text(value, f"a name in {name}") for value in values]
    if not found:
        raise ValueError(f"{name} cannot be empty")
    if len({*found}) < len(found):
        raise ValueError(f"{name} has a name twice")
    return found
