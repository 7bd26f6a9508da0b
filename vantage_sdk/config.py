"""Where a client's settings come from: argument, then environment, then profile file, then default."""

from __future__ import annotations

import os
import platform
import stat
import tomllib
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from vantage_sdk._version import __version__
from vantage_sdk.core.deadline import seconds
from vantage_sdk.core.dialect import PLATFORM, WORKFLOWS
from vantage_sdk.core.scrub import Secret, clean_key
from vantage_sdk.core.shapes import as_object
from vantage_sdk.core.urls import Origin, base_url, sibling_url
from vantage_sdk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vantage_sdk.core.dialect import Dialect

LIMITS = ("timeout", "max_retries", "deadline", "max_retry_wait")
DEFAULT_BASE_URL = "https://api.vantage.omnivector.solutions"
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_RETRY_WAIT = 60.0
USER_AGENT = f"vantage-sdk/{__version__} python/{platform.python_version()}"


class Setting(NamedTuple):
    """A value and the place it came from."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one client.  Times are in seconds, ``None`` meaning no limit; both URLs end in the version."""

    api_key: Secret
    base_url: str
    organization: str | None = None
    timeout: float | None = 30.0
    max_retries: int = 3
    deadline: float | None = None
    max_retry_wait: float = MAX_RETRY_WAIT
    max_response_bytes: int = MAX_RESPONSE_BYTES
    user_agent: str = USER_AGENT
    workflows_url: str = ""
    workflows_key: Secret | None = None
    sources: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    version: str = field(default="/v1", repr=False)
    origin: Origin = field(init=False, repr=False)
    path_prefix: str = field(init=False, repr=False)
    mount: str = field(init=False, repr=False)
    host: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        object.__setattr__(self, "origin", Origin.of(self.base_url))
        object.__setattr__(self, "path_prefix", parts.path)
        object.__setattr__(self, "mount", parts.path.removesuffix(self.version))
        object.__setattr__(self, "host", parts.netloc)

    def explain(self) -> str:
        """Return one line for each setting: its value, the key masked, and where the value came from."""
        names = ["api_key", "base_url", "organization", "timeout", "max_retries", "deadline", "max_retry_wait"]
        names += [name for name in ("workflows_url", "workflows_key") if name in self.sources]
        rows = [(name, str(getattr(self, name)), self.sources.get(name, "default")) for name in names]
        width = max(len(value) for _, value, _ in rows)
        return "\n".join(f"{name:<14}  {value:<{width}}  {source}" for name, value, source in rows)

    def altered(self, **changes: Any) -> Config:
        """Return a copy with other values of ``timeout``, ``max_retries``, ``deadline``, ``organization`` or ``max_retry_wait``."""
        checked = {name: _checked(name, value) for name, value in changes.items()}
        sources = {**self.sources, **dict.fromkeys(changes, "with_options")}
        return replace(self, **checked, sources=sources)

    def beside(self, dialect: Dialect) -> Config:
        """Return the same settings for the family of ``dialect``, the workflows: its URL, its key."""
        key = self.api_key if self.workflows_key is None else self.workflows_key
        return replace(self, base_url=self.workflows_url, api_key=key, version=dialect.prefix)


def resolve(
    *,
    prefix: str,
    api_key: str | None,
    given_url: str | None,
    organization: str | None,
    profile: str | None,
    allow_insecure: bool,
    workflows_url: str | None = None,
    workflows_key: str | None = None,
    **limits: Any,
) -> Config:
    """Return the configuration of a client; raise ``ConfigError`` naming the setting that is missing or wrong."""
    table, origin = _profile(profile)
    found = {
        "api_key": _first("api_key", api_key, "VANTAGE_API_KEY", table, origin),
        "base_url": _first("base_url", given_url, "VANTAGE_BASE_URL", table, origin),
        "organization": _first("organization", organization, "VANTAGE_ORGANIZATION", table, origin),
        "workflows_url": _first("workflows_url", workflows_url, "VANTAGE_WORKFLOWS_URL", table, origin),
        "workflows_key": _first("workflows_key", workflows_key, "VANTAGE_WORKFLOWS_KEY", table, origin),
    }
    key, url, org = found["api_key"], found["base_url"] or Setting(DEFAULT_BASE_URL, "default"), found["organization"]
    if key is None:
        raise ConfigError("no API key: pass api_key=, set VANTAGE_API_KEY, or put api_key into " + str(config_file()))
    sources = {name: setting.source for name, setting in found.items() if setting is not None}
    sources.update(dict.fromkeys(limits, "argument"))
    for name in LIMITS:
        if name in table and name not in limits:
            limits[name], sources[name] = table[name], origin
    config = Config(
        api_key=_check("api_key", key, clean_key),
        base_url=_check("base_url", url, lambda text, _: base_url(text, prefix, allow_insecure=allow_insecure)),
        organization=None if org is None else _check("organization", org, _header_text),
        sources=sources,
        version=prefix,
        **{name: _checked(name, value) for name, value in limits.items()},
    )
    return _with_workflows(config, url, found["workflows_url"], found["workflows_key"], allow_insecure=allow_insecure)


def _with_workflows(
    config: Config, url: Setting, given: Setting | None, key: Setting | None, *, allow_insecure: bool
) -> Config:
    """Add where workflows live; the key of the platform is for the server of ``base_url`` alone."""
    if given is None:
        place = sibling_url(url.value, WORKFLOWS.prefix, PLATFORM.prefix, allow_insecure=allow_insecure)
    else:
        place = _check(
            "workflows_url",
            given,
            lambda text, name: base_url(text, WORKFLOWS.prefix, name, allow_insecure=allow_insecure),
        )
    if key is None and Origin.of(place) != config.origin:
        raise ConfigError(
            "workflows_url is on another server than base_url, and api_key is only sent to that one: "
            "pass workflows_key= or set VANTAGE_WORKFLOWS_KEY, even if it is the same key"
        )
    secret = None if key is None else _check("workflows_key", key, clean_key)
    return replace(config, workflows_url=place, workflows_key=secret)


def _first(name: str, argument: str | None, variable: str, table: Mapping[str, Any], origin: str) -> Setting | None:
    for value, source in (
        (argument, "argument"),
        (os.environ.get(variable) or None, variable),
        (table.get(name), origin),
    ):
        if value is not None:
            return Setting(value, source)
    return None


def _check(name: str, setting: Setting, check: Callable[[str, str], Any]) -> Any:
    if not isinstance(setting.value, str):
        raise ConfigError(f"{name} ({setting.source}) takes text, not {type(setting.value).__name__}")
    try:
        return check(setting.value, name)
    except ValueError as error:
        problem = ConfigError(f"{error} (from: {setting.source})")
    raise problem


def _header_text(text: str, name: str) -> str:
    if not text.isascii() or not text.isprintable() or not text.strip():
        raise ValueError(f"{name} takes printable ASCII text")
    return text.strip()


def _checked(name: str, value: Any) -> Any:
    try:
        if name in ("timeout", "deadline"):
            return seconds(value, name)
        if name == "max_retry_wait" and (wait := seconds(value, name)) is not None:
            return wait
        if name == "max_retries" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        if name == "organization" and (value is None or isinstance(value, str)):
            return None if value is None else _header_text(value, name)
    except (TypeError, ValueError) as error:
        problem = ConfigError(str(error))
    else:
        problem = ConfigError(f"{name} cannot be {value!r}")
    raise problem


def config_file() -> Path:
    """Return where profiles are kept: ``vantage/config.toml`` in the user's configuration folder."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "vantage" / "config.toml"


def _profile(name: str | None) -> tuple[Mapping[str, Any], str]:
    """Return the table ``[name]`` of the profile file; without a name that of ``VANTAGE_PROFILE``, else ``[default]``."""
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
    known = ("api_key", "base_url", "organization", "workflows_url", "workflows_key", *LIMITS)
    if unknown := [name for name in table if name not in known]:
        raise ConfigError(f"{path}: profile {chosen or 'default'!r} has unknown settings: {', '.join(unknown)}")
    return table, f"profile {chosen or 'default'!r} of {path}"


def _warn_if_public(path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        warnings.warn(f"{path} can be read by others; run: chmod 600 {path}", UserWarning, stacklevel=2)
