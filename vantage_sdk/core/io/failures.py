"""What httpx and httpcore raise, in the words of the port."""

from __future__ import annotations

import re
import sys

import httpcore

from vantage_sdk.core.io.port import Failure, TransportError


class StaleConnectionError(Exception):
    """A kept-alive connection was closed by the server before it sent a byte of the answer."""


class PoolTimeout(Exception):
    """No connection became free in time."""


class OversizedError(Exception):
    """An answer is larger, or inflates to more, than allowed."""


class DamagedError(Exception):
    """An answer cannot be decoded, or ended too early."""


CORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
OWN_ERRORS = (StaleConnectionError, PoolTimeout, OversizedError, DamagedError)


def caught() -> tuple[type[Exception], ...]:
    """Return what an exchange may raise; httpx has a part in it only if something has loaded it."""
    httpx = sys.modules.get("httpx")
    return (*CORE_ERRORS, *OWN_ERRORS) + (() if httpx is None else (httpx.RequestError, httpx.StreamError))


# both libraries use the same names, so names are what the table is made of
_BY_NAME = {
    "StaleConnectionError": Failure.STALE,
    "OversizedError": Failure.UNREADABLE,
    "DamagedError": Failure.CUT,
    "ConnectError": Failure.UNSENT,
    "ConnectTimeout": Failure.UNSENT,
    "PoolTimeout": Failure.UNSENT,
    "ProxyError": Failure.UNSENT,
    "UnsupportedProtocol": Failure.BAD,
    "LocalProtocolError": Failure.BAD,
    "TimeoutException": Failure.LATE,
}
_REFUSED_CERTIFICATE = re.compile("_ALERT_(?:CERTIFICATE_|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)")


def translate(error: Exception, origin: str) -> TransportError:
    """Return the port's error for one of ``caught``, as text without the frames and requests that hold credentials."""
    names = [cls.__name__ for cls in type(error).__mro__]
    kind = next((_BY_NAME[name] for name in names if name in _BY_NAME), Failure.CUT)
    reason = _reason(error)
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        reason += "; name the CA certificate with verify= or SSL_CERT_FILE"
    if _REFUSED_CERTIFICATE.search(reason):
        kind, reason = Failure.BAD, f"{reason}; the server wants a certificate of the client that it trusts: pass cert="
    if kind is Failure.UNSENT and "PoolTimeout" not in names:
        reason = f"cannot connect to {origin}: {reason}"
    return TransportError(kind, reason, timed_out="TimeoutException" in names or "PoolTimeout" in names)


def _reason(error: Exception) -> str:
    """Return the text of an error, or of what caused it where it has none."""
    link: BaseException | None = error
    while link is not None:
        if text := str(link):
            return text
        link = link.__cause__ or link.__context__
    return type(error).__name__
