"""Where the settings of the job service and of S9S come from: argument, environment, profile file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vantage_sdk.config import Config, Places, Setting, checked_text, checked_url
from vantage_sdk.core.credentials import BEARER, HEADER_KEY, Fixed, Grant
from vantage_sdk.core.dialect import JOBSERVICE, S9S
from vantage_sdk.core.grants import Granted
from vantage_sdk.core.scrub import clean_key
from vantage_sdk.core.tokens import Asked, Tokens
from vantage_sdk.exceptions import ConfigError
from vantage_sdk.profiles import config_file

if TYPE_CHECKING:
    from vantage_sdk.core.credentials import Credential
    from vantage_sdk.core.tokens import TokenSource

CREDENTIALS = ("token", "api_key", "client_id", "client_secret")


def resolve_job_service(
    *, token: Any, blocking: bool, given_url: str | None, profile: str | None, allow_insecure: bool, **limits: Any
) -> Config:
    """Return the configuration of a client of the job service; raise ``ConfigError`` for what is missing or wrong."""
    places = Places(profile, JOBSERVICE.name)
    found = places.first("token", token, "VANTAGE_JOB_SERVICE_TOKEN")
    url = places.first("base_url", given_url, "VANTAGE_JOB_SERVICE_URL")
    if found is None:
        raise _missing("token: pass token=, set VANTAGE_JOB_SERVICE_TOKEN, or put token", JOBSERVICE.name)
    if url is None:
        raise _missing(
            "address of the job service: pass base_url=, set VANTAGE_JOB_SERVICE_URL, or put base_url", JOBSERVICE.name
        )
    return Config(
        credential=_bearer(found, blocking=blocking),
        base_url=checked_url(url, JOBSERVICE.prefix, allow_insecure=allow_insecure),
        sources=places.sources,
        version=JOBSERVICE.prefix,
        **places.limits(limits),
    )


def resolve_s9s(
    *,
    given_url: str | None,
    credentials: Mapping[str, Any],
    blocking: bool,
    cert: Any,
    certified: bool,
    profile: str | None,
    allow_insecure: bool,
    **limits: Any,
) -> Config:
    """Return the configuration of a client of S9S; raise ``ConfigError`` for what is missing or wrong.

    ``credentials``: the arguments for ``CREDENTIALS``; ``blocking``: whether coroutine functions are of no use; ``certified``: whether the connections may have a certificate by
    other means than ``cert``.
    """
    places = Places(profile, S9S.name)
    url = places.first("base_url", given_url, "S9S_API_URL")
    files = _files(places.first("cert", cert))
    credential = _credential(places, credentials, blocking=blocking)
    if url is None:
        raise _missing("address of S9S: pass base_url=, set S9S_API_URL, or put base_url", S9S.name)
    if credential is None and not (files or certified):
        raise _missing(
            "credential: pass token=, api_key=, client_id= and client_secret=, or cert=, set S9S_API_TOKEN, or put one",
            S9S.name,
        )
    place = checked_url(url, _prefix(url), allow_insecure=allow_insecure)
    if files and not place.startswith("https://"):
        raise ConfigError("cert is of no use over http, where nobody shows a certificate; use https://")
    return Config(
        credential=Fixed("", None) if credential is None else credential,
        base_url=place,
        cert=files,
        sources=places.sources,
        version=_prefix(url),
        **places.limits(limits),
    )


def _missing(what: str, family: str) -> ConfigError:
    return ConfigError(f"no {what} into the table of {family} in {config_file()}")


def _prefix(url: Setting) -> str:
    """Return the alias of the prefix if the URL, as it was given, ends in it."""
    alias = str(S9S.alias)
    return alias if isinstance(url.value, str) and url.value.strip().rstrip("/").endswith(alias) else S9S.prefix


def _bearer(found: Setting, *, blocking: bool) -> Credential:
    source: Any = found.value
    if callable(source):
        if blocking and inspect.iscoroutinefunction(source):
            raise ConfigError(
                "token takes text or a plain function; a coroutine function is for the asynchronous client"
            )
        return Tokens(Asked(cast("TokenSource", source)))
    return Fixed("token", checked_text("token", found, clean_key), BEARER)


def _credential(places: Places, arguments: Mapping[str, Any], *, blocking: bool) -> Credential | None:
    """Return the one credential of the first place that has any, so that those of two places are never mixed."""
    lookups: tuple[Callable[[str], Setting | None], ...] = (
        lambda name: places.given(name, arguments.get(name)),
        lambda name: places.of_environment(name, "S9S_API_TOKEN" if name == "token" else None),
        places.of_profile,
    )
    for lookup in lookups:
        found = {name: setting for name in CREDENTIALS if (setting := lookup(name)) is not None}
        if found:
            return _only(found, blocking=blocking)
    return None


def _only(found: Mapping[str, Setting], *, blocking: bool) -> Credential:
    names = {*found}
    if names == {"token"}:
        return _bearer(found["token"], blocking=blocking)
    if names == {"api_key"}:
        return Fixed("api_key", checked_text("api_key", found["api_key"], clean_key), HEADER_KEY)
    if names == {"client_id", "client_secret"}:
        secret = checked_text("client_secret", found["client_secret"], clean_key)
        return Tokens(Granted(Grant(checked_text("client_id", found["client_id"], _identifier), secret)))
    if names in ({"client_id"}, {"client_secret"}):
        raise ConfigError("client_id and client_secret belong together: give both")
    raise ConfigError(
        f"one credential is enough: give token, api_key, or client_id and client_secret, not {', '.join(found)}"
    )


def _identifier(text: str, name: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{name} takes printable text")
    return text.strip()


def _files(found: Setting | None) -> tuple[str, ...]:
    """Return the files of a certificate: one that holds the key as well, or certificate and key."""
    if found is None:
        return ()
    several = isinstance(found.value, tuple | list)
    parts: list[Any] = list(found.value) if several else [found.value]
    if len(parts) not in (1, 2) or not all(map(_is_path, parts)):
        raise ConfigError(f"cert ({found.source}) takes a path, or a pair of paths: certificate and key")
    return tuple(str(Path(part).expanduser().absolute()) for part in parts)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)
