"""Tokens of the job service that are signed with the keys of a set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from mock_server import MockServer
from mock_server.__main__ import main
from mock_server.jobservice import key_sets
from tests.server.test_jobservice_tokens import JOBS, SECRET, Ask, forged, refused, signed

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
KEY_SET = {
    "keys": [
        {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa-1", "use": "sig"},
        {**ECAlgorithm.to_jwk(CURVE.public_key(), as_dict=True), "kid": "curve-1"},
        {"kty": "RSA", "use": "enc", "kid": "not-for-signatures"},
    ]
}


@pytest.fixture
def ask(make_client: Callable[..., httpx.Client]) -> Ask:
    """Ask a server for its jobs with a token."""
    return lambda server, token: make_client(server, key=token).get(JOBS)


@pytest.fixture
def with_keys(make_server: Callable[..., MockServer]) -> MockServer:
    return make_server(jwt_secret=SECRET, jwks=KEY_SET)


def test_a_key_set(with_keys: MockServer, ask: Ask) -> None:
    assert ask(with_keys, signed(RSA, "RS256", "rsa-1")).status_code == 200
    assert ask(with_keys, signed(CURVE, "ES256", "curve-1")).status_code == 200
    assert ask(with_keys, signed(RSA, "RS256")).status_code == 200
    assert ask(with_keys, signed()).status_code == 200
    refused(ask(with_keys, signed(RSA, "RS256", "curve-1")), "signature")
    refused(ask(with_keys, signed(RSA, "RS256", "unknown")), "signature")
    refused(ask(with_keys, signed(RSA, "RS512", "rsa-1")), "signature")
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused(ask(with_keys, signed(other, "RS256", "rsa-1")), "signature")


def test_a_public_key_is_no_secret(with_keys: MockServer, ask: Ask) -> None:
    """The classical confusion: signed with HS256, and the published key as the secret."""
    for entry in KEY_SET["keys"][:2]:
        header = {"alg": "HS256", "kid": entry["kid"]}
        refused(ask(with_keys, forged(header, '{"sub": "user_7"}', json.dumps(entry).encode())), "signature")
    assert ask(with_keys, forged({"alg": "HS256"}, '{"sub": "user_7"}', SECRET.encode())).status_code == 200


def test_a_key_set_as_a_file(make_server: Callable[..., MockServer], ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KEY_SET))
    assert ask(make_server(jwks=path), signed(CURVE, "ES256", "curve-1")).status_code == 200
    path.write_text("[")
    with pytest.raises(ValueError, match="is not JSON"):
        MockServer(jwks=str(path))
    path.write_text(" " * (key_sets.MAX_SIZE + 1))
    with pytest.raises(ValueError, match="larger than"):
        MockServer(jwks=path)
    with pytest.raises(FileNotFoundError):
        MockServer(jwks=tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "the list 'keys'"),
        ({"keys": ["x"]}, "the list 'keys'"),
        ({"keys": []}, "no key for signatures"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, "key 0 of the JWKS must be a public key"),
        ({"keys": [{**KEY_SET["keys"][0], "alg": "HS256"}]}, "must be a public key"),
        ({"keys": [{**KEY_SET["keys"][0], "alg": "none"}]}, "must be a public key"),
        ({"keys": [{"kty": "RSA", "n": "x"}]}, "key 0 of the JWKS cannot be read"),
    ],
)
def test_a_key_set_that_is_none(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        MockServer(jwks=data)
    assert "c2VjcmV0" not in str(caught.value)


def test_without_cryptography_there_are_no_key_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwt.api_jwk, "has_crypto", False)
    with pytest.raises(ValueError, match="need the package cryptography"):
        MockServer(jwks=KEY_SET)
    with MockServer(clock="manual") as server:
        assert httpx.get(server.url + JOBS, headers={"Authorization": f"Bearer {server.token()}"}).status_code == 200


def test_private_keys_are_not_kept() -> None:
    entry = {**RSAAlgorithm.to_jwk(RSA, as_dict=True), "kid": "rsa-1"}
    (key,) = key_sets.read_key_set({"keys": [entry]})
    assert isinstance(key.key, rsa.RSAPublicKey)


def test_the_options_of_the_command(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, key_set = tmp_path / "secret", tmp_path / "jwks.json"
    secret.write_bytes(SECRET.encode() + b"\r\n")
    key_set.write_text(json.dumps(KEY_SET))
    started: list[MockServer] = []

    def start(server: MockServer) -> None:
        started.append(server)
        raise OSError("as far as this test goes")

    monkeypatch.setattr(MockServer, "start", start)
    files = ["--jwt-secret-file", str(secret), "--jwks", str(key_set)]
    assert main([*files, "--jwt-audience", "job-service", "--jwt-issuer", "me", "--clock", "manual"]) == 1
    monkeypatch.undo()
    with started[0] as server:
        assert ask(server, signed(aud="job-service", iss="me")).status_code == 200
        assert ask(server, signed(RSA, "RS256", aud="job-service", iss="me")).status_code == 200
        refused(ask(server, signed(aud="other", iss="me")), "another audience")
        refused(ask(server, signed(aud="job-service", iss="other")), "another issuer")
    secret.write_text("short\n")
    assert main(["--jwt-secret-file", str(secret)]) == 1
    assert "32 bytes" in capsys.readouterr().err
    assert main(["--jwt-secret-file", str(tmp_path / "nothing")]) == 1
