"""Encrypted servers, and callers that show a certificate instead of a token."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from mock_server import MockServer

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Certificate and key of the server, and the authority of its callers."""
    folder: Path = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1")
    certificate, key, ca = (str(folder / name) for name in ("server.pem", "server.key", "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)
    return certificate, key, ca


@pytest.fixture
def server(make_server: Callable[..., MockServer], files: tuple[str, str, str]) -> MockServer:
    certificate, key, ca = files
    return make_server(tls=(certificate, key), client_ca=ca, s9s_port=0)


def caller(trusted: trustme.CA, name: str | None, issuer: trustme.CA | None = None) -> httpx.Client:
    context = ssl.create_default_context()
    trusted.configure_trust(context)
    if name is not None:
        (issuer or trusted).issue_cert("caller.example", common_name=name).configure_cert(context)
    return httpx.Client(verify=context)


def test_a_certificate_is_a_credential_for_the_user_it_names(server: MockServer, authority: trustme.CA) -> None:
    with caller(authority, "alice") as client:
        for url in (server.s9s_url, f"{server.url}/s9s"):
            assert url.startswith("https://")
            assert client.get(f"{url}/v1/status").status_code == 200
            assert client.get(f"{url}/v1/status", headers={"Authorization": "Bearer TOKEN"}).status_code == 200
            assert client.get(f"{url}/v1/status", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get(f"{server.url}/v1/jobs").status_code == 401  # the platform knows no certificates


def test_it_has_a_budget_of_its_own(server: MockServer, authority: trustme.CA) -> None:
    with caller(authority, "alice") as client:
        left = [client.get(f"{server.s9s_url}/v1/status").headers["X-RateLimit-Remaining"] for _ in range(2)]
    assert left == ["999", "998"]


def test_a_certificate_of_nobody_is_refused(server: MockServer, authority: trustme.CA) -> None:
    with caller(authority, "mallory") as client:
        answer = client.get(f"{server.s9s_url}/v1/status")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTHENTICATION_FAILED")


def test_without_one_a_token_does(server: MockServer, authority: trustme.CA) -> None:
    with caller(authority, None) as client:
        assert client.get(f"{server.s9s_url}/v1/status").status_code == 401
        assert client.get(f"{server.s9s_url}/v1/status", headers={"X-API-Key": "YOUR_API_KEY"}).status_code == 200
        assert client.get(f"{server.url}/health").json() == {"status": "ok"}
        assert client.post(f"{server.url}/_mock/reset", headers={"Origin": server.url}).status_code == 200


def test_a_certificate_of_another_authority_is_not_let_in(server: MockServer, authority: trustme.CA) -> None:
    with caller(authority, "alice", trustme.CA()) as client, pytest.raises(httpx.TransportError):
        client.get(f"{server.s9s_url}/v1/status")


def test_without_an_authority_nobody_is_asked_for_a_certificate(
    make_server: Callable[..., MockServer], files: tuple[str, str, str], authority: trustme.CA
) -> None:
    server = make_server(tls=files[:2])
    with caller(authority, "alice") as client:
        assert client.get(f"{server.s9s_url}/v1/status").status_code == 401


def test_no_header_takes_the_place_of_a_certificate(make_server: Callable[..., MockServer]) -> None:
    server = make_server()
    headers = {"X-SSL-Client-CN": "alice", "X-Forwarded-Client-Cert": 'Subject="CN=alice"', "Certificate": "alice"}
    assert httpx.get(f"{server.s9s_url}/v1/status", headers=headers).status_code == 401


def test_files_that_are_of_no_use_are_refused_at_once(files: tuple[str, str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="client_ca needs tls"):
        MockServer(client_ca=files[2])
    with pytest.raises(OSError, match="No such file"):
        MockServer(tls=(str(tmp_path / "no.pem"), files[1]))
    with pytest.raises(ssl.SSLError):
        MockServer(tls=(files[2], files[1]))  # the key of another certificate


def test_a_certificate_opens_a_socket_but_not_for_pages_of_others(server: MockServer, authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    authority.issue_cert("caller.example", common_name="alice").configure_cert(context)
    url = server.s9s_url.replace("https", "wss") + "/v1/ws"
    with connect(url, ssl=context) as connection:
        connection.send('{"action": "subscribe", "channel": "jobs"}')
        assert "subscribed" in str(connection.recv())
    with pytest.raises(InvalidStatus, match="403"), connect(url, ssl=context, origin="https://page.example"):
        pass
