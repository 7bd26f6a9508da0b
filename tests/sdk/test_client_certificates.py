"""A client certificate: shown to the server on every connection, alone or beside a token."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme

from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import AsyncS9SClient, ConfigError, S9SClient, VantageConnectionError
from vantage_sdk.core.io.failures import translate
from vantage_sdk.core.io.port import Failure

CA = trustme.CA()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the files are: the authority's, a client's in one and in two files, and an encrypted key."""
    place = tmp_path_factory.mktemp("certificates")
    CA.cert_pem.write_to_path(str(place / "ca.pem"))
    issue(place)
    (place / "junk.pem").write_text("no certificate")
    return place


def issue(place: Path, authority: trustme.CA = CA) -> None:
    client = authority.issue_cert("client@s9s.example")
    client.private_key_and_cert_chain_pem.write_to_path(str(place / "both.pem"))
    client.cert_chain_pems[0].write_to_path(str(place / "cert.pem"))
    client.private_key_pem.write_to_path(str(place / "key.pem"))


def strict_server() -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(context)
    CA.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return ScriptedServer(lambda request, _: Json(200, {"shown": request.header("authorization")}), tls=context)


async def shown(client: Any) -> Any:
    return (await client.request("GET", "/jobs")).data["shown"]


@pytest.mark.parametrize("files", [("both.pem",), ("cert.pem", "key.pem")])
async def test_a_certificate_alone_is_a_credential(face: Face, folder: Path, files: tuple[str, ...]) -> None:
    paths = tuple(folder / name for name in files)
    with strict_server() as server:
        cert = paths[0] if len(paths) == 1 else paths
        async with face.s9s(server.url, cert=cert, verify=str(folder / "ca.pem")) as client:
            assert await shown(client) is None
            assert str(paths[0]) in client.config.explain()


async def test_a_certificate_goes_beside_a_token(face: Face, folder: Path) -> None:
    with strict_server() as server:
        async with face.s9s(
            server.url, cert=str(folder / "both.pem"), token="abc", verify=str(folder / "ca.pem")
        ) as client:
            assert await shown(client) == "Bearer abc"


async def test_without_a_certificate_the_server_hangs_up(face: Face, folder: Path) -> None:
    with strict_server() as server:
        async with face.s9s(server.url, token="abc", verify=str(folder / "ca.pem"), max_retries=0) as client:
            with pytest.raises(VantageConnectionError) as caught:
                await shown(client)
        server._errors.clear()
    assert server.requests == []
    said = str(caught.value)  # a connection that is reset takes the alert along
    assert "pass cert=" in said or "reset" in said or "ReadError" in said


def test_a_refused_certificate_is_not_tried_again() -> None:
    for alert in ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE"):
        error = translate(httpcore.ReadError(f"[SSL: {alert}] alert (_ssl.c:2580)"), "https://s9s.example")
        assert error.failure is Failure.BAD
        assert str(error).endswith("pass cert=")


async def test_a_context_of_ones_own_may_hold_the_certificate(face: Face, folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "both.pem")
    with strict_server() as server:
        async with face.s9s(server.url, verify=context, token=None) as client:
            assert await shown(client) is None
        with pytest.raises(ConfigError, match="load_cert_chain"):
            face.s9s(server.url, verify=context, cert=folder / "both.pem")


async def test_a_renewed_file_is_read_by_the_next_connection(face: Face, tmp_path: Path) -> None:
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issue(tmp_path, trustme.CA())
    cert = (tmp_path / "cert.pem", tmp_path / "key.pem")
    with strict_server() as server:
        async with face.s9s(server.url, cert=cert, verify=str(tmp_path / "ca.pem"), max_retries=0) as client:
            with pytest.raises(VantageConnectionError):
                await shown(client)
            server._errors.clear()
            issue(tmp_path)
            for path in cert:
                os.utime(path, ns=(1, 1))
            assert await shown(client) is None


@pytest.mark.parametrize("kind", [S9SClient, AsyncS9SClient])
def test_what_is_no_certificate_is_refused_at_once(kind: type[Any], folder: Path) -> None:
    def refused(cert: Any, says: str, url: str = "https://s9s.example") -> None:
        with pytest.raises(ConfigError, match=says):
            kind(url, cert=cert)

    refused(folder / "none.pem", "none.pem.*does not exist")
    refused(folder / "junk.pem", "cert cannot be used")
    refused(folder / "cert.pem", "cert cannot be used")
    refused((folder / "junk.pem", folder / "key.pem"), "cert cannot be used")
    refused(folder, "cert cannot be (read|used)")
    refused(3, "cert .argument. takes a path, or a pair of paths")
    refused((1, 2, 3), "takes a path, or a pair of paths")
    refused((), "takes a path, or a pair of paths")
    refused(folder / "both.pem", "no use over http", "http://127.0.0.1:9")


@pytest.mark.parametrize("kind", [S9SClient, AsyncS9SClient])
def test_a_key_with_a_password_is_not_asked_for_at_the_terminal(kind: type[Any], tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    client = CA.issue_cert("client@s9s.example")
    plain = serialization.load_pem_private_key(client.private_key_pem.bytes(), None)
    locked = plain.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"opensesame"),
    )
    (tmp_path / "locked.pem").write_bytes(locked + client.cert_chain_pems[0].bytes())
    with pytest.raises(ConfigError, match="needs a password, load them into an SSLContext"):
        kind("https://s9s.example", cert=tmp_path / "locked.pem")
