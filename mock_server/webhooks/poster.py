"""One attempt over HTTP: no redirects, no proxies, bounded in time and in what is read."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mock_server.incoming import in_thread
from mock_server.openapi import VERSION

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import httpx

TIMEOUT = 15.0
"""Real seconds for a whole attempt."""

MAX_ANSWER = 64 * 1024

_log = logging.getLogger("mock_server.webhooks")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: a status, or an error if there was no answer."""

    status: int | None = None
    error: str | None = None
    retry_after: float | None = None


async def post(url: str, headers: Mapping[str, str], body: bytes, *, timeout: float = TIMEOUT) -> Outcome:
    """Send ``body`` to ``url`` once; whatever goes wrong is an outcome."""
    try:
        async with asyncio.timeout(timeout):
            return await _post(url, headers, body)
    except TimeoutError:
        return Outcome(error=f"no answer within {timeout:g} s")
    except Exception as error:  # an address may be anything that a caller has thought of
        _log.debug("POST %s failed", url, exc_info=True)
        return Outcome(error=f"{type(error).__name__}: {error}"[:200])


async def _post(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    library, trust = await in_thread(_prepared)
    target = library.URL(url)
    addresses = await _resolve(target.host, target.port or (443 if target.scheme == "https" else 80))
    async with library.AsyncClient(
        verify=trust,
        trust_env=False,
        follow_redirects=False,
        timeout=None,
        headers={"User-Agent": f"vantage-mock/{VERSION}"},
    ) as client:
        for number, address in enumerate(addresses, 1):
            request = client.build_request(
                "POST",
                target.copy_with(host=address),
                content=body,
                headers={**headers, "Content-Type": "application/json", "Host": target.netloc.decode()},
                extensions={"sni_hostname": target.host},
            )
            try:
                return await _send(client, request)
            except library.ConnectError:
                if number == len(addresses):
                    raise
    raise OSError(f"{target.host} has no address")


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> Outcome:
    response = await client.send(request, stream=True)
    try:
        # Read a little, so that the other side can finish its answer in peace.
        read = 0
        async for chunk in response.aiter_raw():
            read += len(chunk)
            if read >= MAX_ANSWER:
                break
    finally:
        await response.aclose()
    asked = response.headers.get("retry-after", "")
    return Outcome(response.status_code, retry_after=float(asked) if asked.isdecimal() and len(asked) < 12 else None)


@cache
def _prepared() -> tuple[Any, ssl.SSLContext]:
    """Return the library and what it trusts; both take longer to load than a server to start."""
    import httpx

    return httpx, httpx.create_ssl_context(trust_env=False)


async def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, looked up in a thread that nobody has to wait for when the server stops."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: Exception | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look_up() -> None:
        addresses, failure = list[str](), None
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # the loop has ended by now
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=look_up, name=f"look-up-{host}", daemon=True).start()
    return await found
