"""Servers and clients for the tests of the server; every client checks every answer against the contract."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.families import FAMILIES
from mock_server.openapi import describe
from tests.server.contract_check import ContractCheck
from tests.server.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "YOUR_API_KEY"
JOBSERVICE = re.compile("/jobservice/|/api/v1/(jobs|queues|clusters|metrics|health)(/|$)")
TLS = ssl.create_default_context()  # made once, because it takes longer than most tests


@pytest.fixture(scope="session")
def contract() -> ContractCheck:
    """The check of the platform that all clients of the session share."""
    return ContractCheck(describe(FAMILIES[0]))


@pytest.fixture(scope="session")
def workflows_contract() -> ContractCheck:
    """The same for the workflows family."""
    return ContractCheck(describe(FAMILIES[1]), error="WorkflowsError")


@pytest.fixture(scope="session")
def jobservice_contract() -> ContractCheck:
    """The same for the job service."""
    return ContractCheck(describe(FAMILIES[2]), error="JobServiceError")


@pytest.fixture(scope="session")
def s9s_contract() -> ContractCheck:
    """The same for S9S."""
    return ContractCheck(describe(FAMILIES[-1]), error="S9SError")


@pytest.fixture
def make_client(
    contract: ContractCheck,
    workflows_contract: ContractCheck,
    jobservice_contract: ContractCheck,
    s9s_contract: ContractCheck,
) -> Iterator[Callable[..., httpx.Client]]:
    """Make clients for a server; they are closed after the test.  ``checked=False`` lets broken answers through."""
    clients: list[httpx.Client] = []

    def check(response: httpx.Response) -> None:
        if response.request.method == "OPTIONS" and "origin" in response.request.headers:
            return
        if response.request.url.path.startswith("/s9s/"):
            s9s_contract(response)
            return
        if JOBSERVICE.match(response.request.url.path):
            jobservice_contract(response)
            return
        of_workflows = re.match("(/workflows)?/api/v1/", response.request.url.path)
        (workflows_contract if of_workflows else contract)(response)

    def make(server: MockServer, *, key: str | None = KEY, checked: bool = True, **options: Any) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [check] if checked else []}
        client = httpx.Client(base_url=server.url, headers=headers, event_hooks=hooks, verify=TLS, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def make_server() -> Iterator[Callable[..., MockServer]]:
    """Make running servers with a manual clock unless asked otherwise; they are stopped after the test."""
    servers: list[MockServer] = []

    def make(**options: Any) -> MockServer:
        options.setdefault("clock", "manual")
        server = MockServer(check_invariants=True, **options)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """A running server of the documented world whose clock stands still."""
    return make_server()


@pytest.fixture
def client(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of ``server`` with full rights."""
    return make_client(server)


@pytest.fixture
def s9s(server: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """The same for S9S."""
    client = make_client(server, key="YOUR_TOKEN")
    client.base_url = httpx.URL(server.s9s_url)
    return client


@pytest.fixture
def empty(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(world="empty")


@pytest.fixture
def alone(empty: MockServer, make_client: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of a server on which nothing runs but what the test submits."""
    client = make_client(empty, key="YOUR_TOKEN")
    client.base_url = httpx.URL(empty.s9s_url)
    return client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with Receiver() as running:
        yield running


@pytest.fixture
def talk(server: MockServer) -> Callable[[bytes], bytes]:
    """Send bytes to ``server`` over a socket of their own and return all that comes back."""
    return lambda request: raw_exchange(server.url, request)


def raw_exchange(url: str, request: bytes) -> bytes:
    """Send ``request`` and read until the server closes; a reset raises ``ConnectionResetError``."""
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(request)
        received = b""
        while chunk := sock.recv(65536):
            received += chunk
    return received


def raw_get(path: str, *, key: str = KEY) -> bytes:
    """Return a request that asks for the connection to be closed after it."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n".encode()
    )
