"""What httpx raises, in the words of the port."""

from __future__ import annotations

import httpcore
import httpx

from vantage_sdk.core.io.port import Failure, TransportError


class StaleConnectionError(httpx.RemoteProtocolError):
    """A kept-alive connection was closed by the server before it sent a byte of the answer."""


class OversizedError(httpx.DecodingError):
    """An answer is larger, or inflates to more, than allowed."""


_KINDS: dict[type[Exception], Failure] = {
    StaleConnectionError: Failure.STALE,
    OversizedError: Failure.BAD,
    httpx.ConnectError: Failure.UNSENT,
    httpx.ConnectTimeout: Failure.UNSENT,
    httpx.PoolTimeout: Failure.UNSENT,
    httpx.ProxyError: Failure.UNSENT,
    httpx.UnsupportedProtocol: Failure.BAD,
    httpx.LocalProtocolError: Failure.BAD,
    httpx.ReadTimeout: Failure.LATE,
    httpx.WriteTimeout: Failure.LATE,
    httpx.TimeoutException: Failure.LATE,
    httpx.TransportError: Failure.CUT,
    httpx.DecodingError: Failure.CUT,
}
CAUGHT = (httpx.RequestError, httpx.StreamError)


def translate(error: Exception, url: str) -> TransportError:
    """Return the port's error for one of httpx's, as text without the frames and requests that hold credentials."""
    kind = next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), Failure.CUT)
    reason = str(error) or type(error).__name__
    timed_out = isinstance(error, httpx.TimeoutException)
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in reason:
        reason += "; name the CA certificate with verify= or SSL_CERT_FILE"
    if kind is Failure.UNSENT and not isinstance(error, httpx.PoolTimeout):
        origin = httpx.URL(url).copy_with(raw_path=b"/", userinfo=b"")
        reason = f"cannot connect to {str(origin).rstrip('/')}: {reason}"
    return TransportError(kind, reason, timed_out=timed_out)


def as_httpx(error: Exception) -> Exception:
    """Return httpcore's error as the one of httpx that has its name."""
    kind: type[Exception] = getattr(httpx, type(error).__name__, httpx.NetworkError)
    return kind(str(error))


CORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
