"""URLs: path segments that stay one segment, origins that decide where a credential goes, base URLs, links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

SHOWN = 80
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_REG_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
_DOTTED_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:@]+))(?::(?P<port>[0-9]{0,5}))?")
_SLASHES = re.compile(r"[/\\]")
_IN_PATH = "/%:@!$&'()*+,;=~"
_IN_QUERY = _IN_PATH + "?"


def segment(value: str, name: str) -> str:
    """Return ``value`` percent-encoded as one segment of a path (RFC 3986, 3.3).

    Raises ``TypeError`` for anything but text, and ``ValueError`` for text that no segment can carry: nothing, the dot
    segments, control characters and lone surrogates.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} takes text, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise ValueError(f"{name} cannot be {value!r}: that would address another resource")
    if _CONTROL.search(value):
        raise ValueError(f"{name} cannot contain control characters: {_shown(value)}")
    if _SURROGATE.search(value):
        raise ValueError(f"{name} contains a lone surrogate, which is no character: {_shown(value)}")
    return quote(value, safe="")


def _shown(value: str) -> str:
    text = ascii(value[:SHOWN])
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def expand(template: str, values: Mapping[str, str]) -> str:
    """Return a path template like ``/v1/jobs/{job_id}`` with each value as one segment; errors as of ``segment``."""
    return _PLACEHOLDER.sub(lambda match: segment(values[match[1]], match[1]), template)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port in their normal form, so that equal origins compare equal (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of an absolute URL; raise ``ValueError``, not quoting the URL, if it has no clear one."""
        return _origin(_split(url, "the URL"), "the URL")

    @property
    def is_loopback(self) -> bool:
        """Tell whether the host is this machine by its very name or address."""
        if self.host == "localhost" or self.host.endswith(".localhost") or self.host == "::1":
            return True
        return _DOTTED_NUMBERS.fullmatch(self.host) is not None and IPv4Address(self.host).is_loopback

    @property
    def is_safe(self) -> bool:
        """Tell whether nobody on the way can read or change what comes from there: encrypted, or of this machine."""
        return self.scheme == "https" or (self.scheme == "http" and self.is_loopback)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def same_origin(a: str, b: str) -> bool:
    """Tell whether two URLs have the same scheme, host and port; one without a clear origin is never the same."""
    try:
        return Origin.of(a) == Origin.of(b)
    except ValueError:
        return False


def base_url(text: str, prefix: str, name: str = "base_url", *, allow_insecure: bool = False) -> str:
    """Return the normal form of a base URL, ending in ``prefix`` (``/v1``), which is appended if it is not there.

    ``text``: host, port and mount path as the user gives them; ``name``: of the setting.  Raises ``ValueError`` for
    everything else, and for ``http`` to another machine unless ``allow_insecure``; no message quotes the text, which may
    hold a password.
    """
    parts = _split(text.strip(), name)
    if "@" in text:
        raise ValueError(f"{name} cannot hold a user name or password; pass the key as api_key")
    if "?" in text or "#" in text:
        raise ValueError(f"{name} cannot have a query or a fragment; leave out everything from '?' or '#' on")
    if "://" not in text or parts.scheme not in ("http", "https"):
        raise ValueError(f"{name} must begin with https://, as in https://host.example")
    origin = _origin(parts, name)
    if origin.scheme == "http" and not (allow_insecure or origin.is_loopback):
        raise ValueError(
            f"{name} would send the API key to {origin.host} unencrypted; use https://, or pass allow_insecure=True"
        )
    path = quote(parts.path.rstrip("/"), safe=_IN_PATH)
    if {".", ".."}.intersection(path.split("/")):
        raise ValueError(f"{name} cannot have '.' or '..' in its path; write the path that is meant")
    return f"{origin}{path}" if path.endswith(prefix) else f"{origin}{path}{prefix}"


def sibling_url(text: str, prefix: str, *others: str, allow_insecure: bool = False) -> str:
    """Return the base URL of another family of the same server; ``text`` may end in the prefix of any family.

    ``others``: the prefixes of the other families.  Errors as of ``base_url``.
    """
    whole = base_url(text, "", allow_insecure=allow_insecure)
    path = urlsplit(whole).path
    ending = next((other for other in (prefix, *others) if path.endswith(other)), "")
    return whole.removesuffix(ending) + prefix


def resolve_link(link: str, request_url: str) -> str | None:
    """Return a link of an answer as an absolute URL in its normal form, ``None`` if it leads nowhere one may go.

    Refused are the empty link, control characters and backslashes, which URL parsers disagree about, user names and
    passwords, and all schemes but ``http`` and ``https``.  Whether the origin is the same is for the caller to ask.
    """
    if not link:
        return None
    try:
        _split(link, "the link")
        parts = _split(urljoin(request_url, link), "the link")
        origin = _origin(parts, "the link")
    except ValueError:
        return None
    if origin.scheme not in ("http", "https"):
        return None
    path, query = quote(parts.path or "/", safe=_IN_PATH), quote(parts.query, safe=_IN_QUERY)
    return f"{origin}{urlunsplit(('', '', path, query, quote(parts.fragment, safe=_IN_QUERY)))}"


def link_below(link: object, base: str) -> str | None:
    """Return path and query of a link of an answer, from ``base`` on; ``None`` if it leads out of there, where no credential may go."""
    url = resolve_link(link, base) if isinstance(link, str) else None
    if url is None or not same_origin(url, base):
        return None
    parts, prefix = urlsplit(url), urlsplit(base).path
    steps = _SLASHES.split(unquote(unquote(parts.path)))
    if not parts.path.startswith(f"{prefix}/") or {".", ".."}.intersection(steps):
        return None
    return parts.path.removeprefix(prefix) + (f"?{parts.query}" if parts.query else "")


def _split(url: str, name: str) -> SplitResult:
    """Split what every parser splits alike and refuse the rest (``urlsplit`` would drop tabs and newlines)."""
    if _CONTROL.search(url) or _SURROGATE.search(url):
        raise ValueError(f"{name} contains a control character; write it without")
    if "\\" in url:
        raise ValueError(f"{name} contains a backslash; write '/'")
    try:
        return urlsplit(url)
    except ValueError:
        pass  # its message quotes the host part, and with it a password
    raise ValueError(f"{name} has no valid host and port; write them as in https://host.example:8443")


def _origin(parts: SplitResult, name: str) -> Origin:
    if "@" in parts.netloc:
        raise ValueError(f"{name} cannot hold a user name or password")
    if parts.scheme not in _PORTS:
        raise ValueError(f"{name} must begin with https://, as in https://host.example")
    match = _HOST_AND_PORT.fullmatch(parts.netloc)
    host = match and _host(match)
    if not match or not host:
        raise ValueError(f"{name} has no valid host and port; write them as in https://host.example:8443")
    port = int(match["port"] or _PORTS[parts.scheme])
    if not 0 < port < 65536:
        raise ValueError(f"{name} has an invalid port; it is a number from 1 to 65535")
    return Origin(parts.scheme, host, port)


def _host(match: re.Match[str]) -> str | None:
    """Return a host in its normal form: lower case, addresses short, international names as IDNA 2008 has them."""
    try:
        if match["ipv6"] is not None:
            return IPv6Address(match["ipv6"]).compressed
        host = match["name"].lower()
        if not host.isascii():
            import idna

            host = idna.encode(host).decode("ascii")
        if _DOTTED_NUMBERS.fullmatch(host):
            return str(IPv4Address(host))
    except (AddressValueError, UnicodeError):
        return None
    return host if _REG_NAME.fullmatch(host) else None
