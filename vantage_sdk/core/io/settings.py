"""How connections are made: TLS, proxy, keep-alive."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from vantage_sdk.core.shapes import is_whole
from vantage_sdk.core.urls import Origin
from vantage_sdk.exceptions import ConfigError

CONNECT_TIMEOUT = 10.0
KEEPALIVE_EXPIRY = 30.0
MAX_CONNECTIONS = 64
Verify = ssl.SSLContext | str | Literal["system"] | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a pool needs to know; ``proxy`` is the proxy's URL or ``None``.

    ``cert`` are the files of a certificate, which is shown to the server at ``home`` and to no other.
    """

    verify: Verify = None
    cert: tuple[str, ...] = ()
    proxy: str | None = None
    max_connections: int = MAX_CONNECTIONS
    home: Origin | None = None


def socket_options() -> list[tuple[int, int, int]]:
    """Let the kernel notice a peer that vanished: probes after 60 s of silence, 5 of them 60 s apart."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5)):
        if (option := getattr(socket, name, None)) is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options


def tls_context(settings: Settings, origin: Origin | None = None) -> ssl.SSLContext:
    """Return the context for ``verify``: one of the user's, a CA file or folder, or the roots of certifi.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name other roots, as with httpx; ``"system"`` takes those of the operating system.
    A certificate of the client's is shown only if ``origin`` is home, and read again when its files have changed.
    """
    if isinstance(settings.verify, ssl.SSLContext):
        return settings.verify
    roots = (settings.verify, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if not settings.cert or origin is None or origin != settings.home:
        return _context(*roots)
    return _certified(settings.cert, tuple(os.stat(path).st_mtime_ns for path in settings.cert), roots)


@lru_cache(16)
def _certified(cert: tuple[str, ...], _: tuple[int, ...], roots: tuple[str | None, ...]) -> ssl.SSLContext:
    context = _made(*roots)
    context.load_cert_chain(cert[0], cert[-1], password="")  # or it would ask for one at the terminal
    return context


@cache
def _context(verify: str | None, cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    return _made(verify, cert_file, cert_dir)


def _made(verify: str | None, cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    if verify == "system":
        return _system_context()
    if verify is not None:
        folder = os.path.isdir(verify)
        return ssl.create_default_context(cafile=None if folder else verify, capath=verify if folder else None)
    if cert_file or cert_dir:
        return ssl.create_default_context(cafile=cert_file, capath=cert_dir)
    return ssl.create_default_context(cafile=certifi.where())


def _system_context() -> ssl.SSLContext:
    try:
        import truststore
    except ImportError:
        raise ImportError("verify='system' needs the extra: vantage-sdk[truststore]") from None
    context: Any = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context  # type: ignore[no-any-return]


def proxy_for(url: str, trust_env: bool) -> str | None:
    """Return the proxy that the environment names for ``url``, never one for a loopback address."""
    if not trust_env:
        return None
    parts = urlsplit(url)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or Origin.of(url).is_loopback or proxy_bypass(parts.hostname or ""):
        return None
    return found


def connection_settings(
    url: str,
    verify: Verify,
    proxy: str | None,
    trust_env: bool,
    max_connections: int | None,
    cert: tuple[str, ...] = (),
) -> Settings:
    """Return the checked settings of a client's connections; raise ``ConfigError`` for what makes no sense."""
    if isinstance(verify, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  what people try
        raise ConfigError("verify takes an ssl.SSLContext, a CA file or folder, or 'system'; it cannot be switched off")
    if isinstance(verify, str) and verify != "system" and not os.path.exists(verify):
        raise ConfigError(f"verify names {verify!r}, which does not exist")
    limit = MAX_CONNECTIONS if max_connections is None else max_connections
    if not is_whole(limit, 1):
        raise ConfigError(f"max_connections is a number from 1, not {limit!r}")
    settings = Settings(verify, cert, proxy or proxy_for(url, trust_env), limit, Origin.of(url))
    if cert:
        _check_cert(settings)
    return settings


def _check_cert(settings: Settings) -> None:
    if isinstance(settings.verify, ssl.SSLContext):
        raise ConfigError("cert has no place beside an SSLContext in verify: call its load_cert_chain instead")
    try:
        tls_context(settings, settings.home)
        return
    except FileNotFoundError as error:
        problem = f"cert names {error.filename or settings.cert!r}, which does not exist"
    except ssl.SSLError as error:
        problem = (
            f"cert cannot be used ({error.reason or 'no PEM file'}): give a PEM file with certificate and key, or the two "
            "files; with a key that needs a password, load them into an SSLContext and pass it as verify"
        )
    except OSError as error:
        problem = f"cert cannot be read: {error.strerror}"
    raise ConfigError(problem)
