"""Certificates are always checked; an authority of one's own is named, never worked around."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import ConfigError, VantageClient, VantageConnectionError

JOB = {"id": "job-1", "status": "running"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(autouse=True)
def _no_other_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def server_for(authority: trustme.CA, name: str = "127.0.0.1") -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return ScriptedServer(lambda request, connection: Json(200, JOB), tls=context)


async def refusal(face: Face, server: ScriptedServer, **settings: Any) -> VantageConnectionError:
    async with face.client(server.url, max_retries=0, **settings) as client:
        with pytest.raises(VantageConnectionError) as caught:
            await client.jobs.get("job-1")
    assert server.requests == []
    return caught.value


def says_the_way_out(message: str) -> bool:
    return "verify=" in message and "SSL_CERT_FILE" in message and "False" not in message and "disable" not in message


@pytest.mark.parametrize("way", ["file", "context", "SSL_CERT_FILE"])
async def test_an_authority_of_ones_own_can_be_named(
    face: Face, way: str, authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = ssl.create_default_context(cafile=str(ca_file))
    verify = {"file": str(ca_file), "context": trusted, "SSL_CERT_FILE": None}[way]
    if way == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    with server_for(authority) as server:
        async with face.client(server.url, verify=verify, max_retries=0) as client:
            assert (await client.jobs.get("job-1")).id == "job-1"


async def test_an_unknown_authority_is_refused(face: Face, authority: trustme.CA) -> None:
    with server_for(authority) as server:
        error = await refusal(face, server)
    assert says_the_way_out(str(error))


async def test_another_authority_is_refused(face: Face, ca_file: Path) -> None:
    with server_for(trustme.CA()) as server:
        error = await refusal(face, server, verify=str(ca_file))
    assert says_the_way_out(str(error))


async def test_a_certificate_for_another_host_is_refused(face: Face, authority: trustme.CA, ca_file: Path) -> None:
    with server_for(authority, "other.example") as server:
        error = await refusal(face, server, verify=str(ca_file))
    assert "127.0.0.1" in str(error)
    assert "False" not in str(error)


async def test_one_client_does_not_change_what_another_trusts(face: Face, authority: trustme.CA, ca_file: Path) -> None:
    with server_for(authority) as server:
        async with face.client(server.url, verify=str(ca_file)) as trusting:
            await trusting.jobs.get("job-1")
        server.requests.clear()
        await refusal(face, server)


@pytest.mark.parametrize("verify", [False, True])
def test_checking_cannot_be_switched_off(verify: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be switched off"):
        VantageClient("your-api-key", verify=verify)


def test_a_missing_file_of_authorities_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        VantageClient("your-api-key", verify=str(tmp_path / "none.pem"))


async def test_netrc_is_not_read(face: Face, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(netrc.read_text())
    with ScriptedServer([Json(200, JOB)]) as server:
        async with face.client(server.url, trust_env=True) as client:
            await client.jobs.get("job-1")
    assert server.requests[0].values("authorization") == ["Bearer your-api-key"]


async def test_a_proxy_leaves_the_choice_of_authorities_alone(face: Face, authority: trustme.CA, ca_file: Path) -> None:
    with server_for(authority) as server, tunnel() as proxy:
        async with face.client(server.url, proxy=proxy, verify=str(ca_file), max_retries=0) as client:
            assert (await client.jobs.get("job-1")).id == "job-1"


async def test_the_certificate_is_checked_behind_a_proxy_too(face: Face, authority: trustme.CA) -> None:
    with server_for(authority) as server, tunnel() as proxy:
        error = await refusal(face, server, proxy=proxy)
    assert says_the_way_out(str(error))


@contextmanager
def tunnel() -> Iterator[str]:
    """Run a proxy that opens one tunnel after another to this machine."""
    listener = socket.create_server(("127.0.0.1", 0))

    def relay(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(1 << 16)
            host, _, port = head.split()[1].decode().partition(":")
            far = socket.create_connection((host, int(port)))
            near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for pair in ((near, far), (far, near)):
                threading.Thread(target=relay, args=pair, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)
