"""Signatures, with the reference library as the judge."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given, strategies as st

from mock_server.webhooks.signature import headers, secret_key, sign

KEYS = st.binary(min_size=1, max_size=64)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)
PUBLISHED = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_example() -> None:
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(f"whsec_{PUBLISHED}", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected
    assert sign(PUBLISHED, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


@given(KEYS, st.booleans(), st.booleans(), TEXTS, st.integers(0, 2**31))
def test_the_library_signs_the_same(key: bytes, prefix: bool, padded: bool, body: str, at: int) -> None:
    secret = base64.b64encode(key).decode()
    secret = ("whsec_" if prefix else "") + (secret if padded else secret.rstrip("="))
    assert secret_key(secret) == key
    judge = standardwebhooks.Webhook(secret)
    assert sign(secret, "msg_1", at, body.encode()) == judge.sign("msg_1", datetime.fromtimestamp(at, UTC), body)


@given(TEXTS.filter(bool), TEXTS)
def test_any_secret_is_a_key(secret: str, body: str) -> None:
    key = secret_key(secret)
    if key:
        judge = standardwebhooks.Webhook(key)
        assert sign(secret, "m", 1, body.encode()) == judge.sign("m", datetime.fromtimestamp(1, UTC), body)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("s3cret", base64.b64decode("s3cret==")),
        ("c2VjcmV0", b"secret"),
        ("whsec_c2VjcmV0", b"secret"),
        ("c2VjcmV0czE", b"secrets1"),
        ("c2VjcmV0czE=", b"secrets1"),
        ("c2VjcmV0czE==", b"c2VjcmV0czE=="),
        ("my secret!", b"my secret!"),
        ("whsec_my secret!", b"my secret!"),
        ("abcde", b"abcde"),
        ("a-b_", b"a-b_"),
        ("pass\u00e9", "pass\u00e9".encode()),
        ("=", b"="),
        ("whsec_", b""),
    ],
)
def test_what_is_no_base64_is_its_bytes(secret: str, key: bytes) -> None:
    assert secret_key(secret) == key


def test_every_secret_signs() -> None:
    found = headers(["new", "old"], "msg_1", 5, b"{}")
    assert found == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "5",
        "webhook-signature": f"{sign('new', 'msg_1', 5, b'{}')} {sign('old', 'msg_1', 5, b'{}')}",
    }
    assert headers([], "msg_1", 5, b"{}").keys() == {"webhook-id", "webhook-timestamp"}
