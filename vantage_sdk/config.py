"""Where a client's settings come from: argument, then environment, then profile file, then default."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from vantage_sdk._version import __version__
from vantage_sdk.core.credentials import Fixed
from vantage_sdk.core.deadline import seconds
from vantage_sdk.core.dialect import PLATFORM, WORKFLOWS
from vantage_sdk.core.scrub import Secret, clean_key
from vantage_sdk.core.urls import Origin, base_url, sibling_url
from vantage_sdk.exceptions import ConfigError
from vantage_sdk.profiles import LIMITS, config_file, profile_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vantage_sdk.core.credentials import Credential
    from vantage_sdk.core.dialect import Dialect

DEFAULT_BASE_URL = "https://api.vantage.omnivector.solutions"
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_RETRY_WAIT = 60.0
USER_AGENT = f"vantage-sdk/{__version__} python/{platform.python_version()}"


DEFAULTS = {"timeout": 30.0, "max_retries": 3, "deadline": None, "max_retry_wait": MAX_RETRY_WAIT}


class Setting(NamedTuple):
    """A value and the place it came from."""

    value: Any
    source: str


class Places:
    """Where the settings of a family are looked up, and where each was found."""

    def __init__(self, profile: str | None, family: str) -> None:
        self._table, self._origin = profile_table(profile, family)
        self.sources: dict[str, str] = {}

    def first(self, name: str, argument: Any, variable: str | None = None) -> Setting | None:
        """Return the first value there is: argument, environment, profile."""
        return self.given(name, argument) or self.of_environment(name, variable) or self.of_profile(name)

    def given(self, name: str, argument: Any) -> Setting | None:
        return self._found(name, argument, "argument")

    def of_environment(self, name: str, variable: str | None) -> Setting | None:
        return None if variable is None else self._found(name, os.environ.get(variable) or None, variable)

    def of_profile(self, name: str) -> Setting | None:
        return self._found(name, self._table.get(name), self._origin)

    def _found(self, name: str, value: Any, source: str) -> Setting | None:
        if value is None:
            return None
        self.sources[name] = source
        return Setting(value, source)

    def limits(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the limits that are given, be it ``None`` for no limit, and those of the profile, checked."""
        self.sources.update(dict.fromkeys(given, "argument"))
        found = {name: setting.value for name in LIMITS if name not in given and (setting := self.of_profile(name))}
        return {name: _checked(name, value) for name, value in {**found, **given}.items()}


def changed(**limits: Any) -> dict[str, Any]:
    """Return the limits that are not as by default, so that the profile has a say in the others."""
    return {name: value for name, value in limits.items() if value != DEFAULTS[name]}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one client.  Times are in seconds, ``None`` meaning no limit; both URLs end in the version."""

    credential: Credential
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
    cert: tuple[str, ...] = ()
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

    @property
    def api_key(self) -> Secret | None:
        """Return the key that was set as ``api_key``, ``None`` if another credential was."""
        return (
            self.credential.secret if isinstance(self.credential, Fixed) and self.credential.name == "api_key" else None
        )

    @property
    def token(self) -> Secret | None:
        """Return the text that was set as ``token``, ``None`` if another credential was."""
        return (
            self.credential.secret if isinstance(self.credential, Fixed) and self.credential.name == "token" else None
        )

    def explain(self) -> str:
        """Return one line for each setting: its value, secrets masked, and where the value came from."""
        values: dict[str, Any] = {**self.credential.shown(), "cert": ", ".join(self.cert), "base_url": self.base_url}
        names: list[str] = ["organization", *LIMITS] if self.workflows_url else [*LIMITS]
        names += [name for name in ("workflows_url", "workflows_key") if name in self.sources]
        values |= {name: getattr(self, name) for name in names}
        rows = [(name, str(value), self.sources.get(name, "default")) for name, value in values.items() if value != ""]
        width = max(len(value) for _, value, _ in rows)
        return "\n".join(f"{name:<14}  {value:<{width}}  {source}" for name, value, source in rows)

    def altered(self, **changes: Any) -> Config:
        """Return a copy with other values of ``timeout``, ``max_retries``, ``deadline``, ``organization`` or ``max_retry_wait``."""
        checked = {name: _checked(name, value) for name, value in changes.items()}
        sources = {**self.sources, **dict.fromkeys(changes, "with_options")}
        return replace(self, **checked, sources=sources)

    def beside(self, dialect: Dialect) -> Config:
        """Return the same settings for the family of ``dialect``, the workflows: its URL, its key."""
        credential = self.credential if self.workflows_key is None else Fixed("api_key", self.workflows_key)
        return replace(self, base_url=self.workflows_url, credential=credential, version=dialect.prefix)


def resolve(
    *,
    api_key: str | None,
    given_url: str | None,
    organization: str | None,
    profile: str | None,
    allow_insecure: bool,
    workflows_url: str | None = None,
    workflows_key: str | None = None,
    **limits: Any,
) -> Config:
    """Return the configuration of a client of Vantage; raise ``ConfigError`` naming the setting that is missing or wrong."""
    places = Places(profile, "vantage")
    key = places.first("api_key", api_key, "VANTAGE_API_KEY")
    url = places.first("base_url", given_url, "VANTAGE_BASE_URL") or Setting(DEFAULT_BASE_URL, "default")
    org = places.first("organization", organization, "VANTAGE_ORGANIZATION")
    where = places.first("workflows_url", workflows_url, "VANTAGE_WORKFLOWS_URL")
    other_key = places.first("workflows_key", workflows_key, "VANTAGE_WORKFLOWS_KEY")
    if key is None:
        raise ConfigError("no API key: pass api_key=, set VANTAGE_API_KEY, or put api_key into " + str(config_file()))
    config = Config(
        credential=Fixed("api_key", checked_text("api_key", key, clean_key)),
        base_url=checked_url(url, PLATFORM.prefix, allow_insecure=allow_insecure),
        organization=None if org is None else checked_text("organization", org, _header_text),
        sources=places.sources,
        version=PLATFORM.prefix,
        **places.limits(limits),
    )
    return _with_workflows(config, url, where, other_key, allow_insecure=allow_insecure)


def _with_workflows(
    config: Config, url: Setting, given: Setting | None, key: Setting | None, *, allow_insecure: bool
) -> Config:
    """Add where workflows live; the key of the platform is for the server of ``base_url`` alone."""
    if given is None:
        place = sibling_url(url.value, WORKFLOWS.prefix, PLATFORM.prefix, allow_insecure=allow_insecure)
    else:
        place = checked_text(
            "workflows_url",
            given,
            lambda text, name: base_url(text, WORKFLOWS.prefix, name, allow_insecure=allow_insecure),
        )
    if key is None and Origin.of(place) != config.origin:
        raise ConfigError(
            "workflows_url is on another server than base_url, and api_key is only sent to that one: "
            "pass workflows_key= or set VANTAGE_WORKFLOWS_KEY, even if it is the same key"
        )
    secret = None if key is None else checked_text("workflows_key", key, clean_key)
    return replace(config, workflows_url=place, workflows_key=secret)


def checked_url(setting: Setting, prefix: str, *, allow_insecure: bool) -> str:
    """Return a base URL in its normal form; raise ``ConfigError`` for what is none."""
    return str(checked_text("base_url", setting, lambda text, _: base_url(text, prefix, allow_insecure=allow_insecure)))


def checked_text(name: str, setting: Setting, check: Callable[[str, str], Any]) -> Any:
    """Return what ``check`` makes of a text; raise ``ConfigError`` with what it says, and where the text came from."""
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
