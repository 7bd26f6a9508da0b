"""The package of Standard Webhooks and the SDK agree: what one signs the other accepts, what one refuses so does the other."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from standardwebhooks.webhooks import Webhook as Standard, WebhookVerificationError as StandardError

from tests.sdk.test_webhook import SECRET
from vantage_sdk import Webhook, WebhookVerificationError

keys = st.binary(min_size=1, max_size=64)
ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
payloads = st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers() | st.none(), max_size=4)
offsets = st.integers(-290, 290) | st.integers(-900, -310) | st.integers(310, 900)
forms = st.sampled_from(["plain", "prefix", "unpadded", "bytes"])


def spelled(key: bytes, form: str) -> str | bytes:
    text = base64.b64encode(key).decode()
    return {"plain": text, "prefix": f"whsec_{text}", "unpadded": text.rstrip("="), "bytes": key}[form]


def event(payload: dict[str, Any]) -> str:
    return json.dumps({"data": None, **payload, "type": "some.event"}, ensure_ascii=False)


def theirs(secret: str | bytes, body: str | bytes, headers: dict[str, str]) -> Any:
    try:
        return Standard(secret).verify(body, headers)
    except StandardError:
        return "refused"


def ours(secret: Any, body: str | bytes, headers: dict[str, str]) -> Any:
    try:
        return Webhook(secret).unwrap(body, headers).to_dict()
    except WebhookVerificationError:
        return "refused"


@given(keys, forms, forms, ids, payloads, offsets)
def test_they_accept_what_we_sign(
    key: bytes, form: str, other: str, webhook_id: str, payload: dict[str, Any], offset: int
) -> None:
    body = event(payload)
    headers = Webhook(spelled(key, form)).sign(body, id=webhook_id, timestamp=time.time() + offset)
    expected = json.loads(body) if abs(offset) < 300 else "refused"
    assert theirs(spelled(key, other), body, headers) == expected
    assert ours(spelled(key, other), body.encode(), headers) == expected


@given(keys, forms, forms, ids, payloads, offsets)
def test_we_accept_what_they_sign(
    key: bytes, form: str, other: str, webhook_id: str, payload: dict[str, Any], offset: int
) -> None:
    body, moment = event(payload), datetime.fromtimestamp(int(time.time()) + offset, UTC)
    signed = Standard(spelled(key, form)).sign(webhook_id, moment, body)
    headers = {"webhook-id": webhook_id, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signed}
    mine = Webhook(spelled(key, other)).sign(body, id=webhook_id, timestamp=moment)
    assert mine == headers
    assert ours(spelled(key, other), body, headers) == theirs(spelled(key, other), body, headers)
    assert (ours(spelled(key, other), body, headers) == "refused") == (abs(offset) > 300)


@given(keys, keys, payloads, st.sampled_from(["body", "id", "timestamp", "signature", "key", "nothing"]), st.data())
def test_both_refuse_what_was_changed(
    key: bytes, another: bytes, payload: dict[str, Any], what: str, data: st.DataObject
) -> None:
    body, secret = event(payload), spelled(key, "prefix")
    headers = Webhook(secret).sign(body, id="msg_1")
    if what == "body":
        body = data.draw(st.sampled_from([body + " ", body.replace("some.", "any."), " " + body]))
    elif what == "id":
        headers["webhook-id"] += data.draw(ids)
    elif what == "timestamp":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + data.draw(st.sampled_from([-1, 1])))
    elif what == "signature":
        digest = bytearray(base64.b64decode(headers["webhook-signature"][3:]))
        digest[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    elif what == "key":
        secret = spelled(another, "bytes")
    good = what == "nothing" or (what == "key" and _same(key, another))
    assert theirs(secret, body, headers) == ours(secret, body, headers) == (json.loads(body) if good else "refused")


def _same(key: bytes, another: bytes) -> bool:
    """Tell whether two keys are one to HMAC, which pads short ones with zeros."""
    return key.ljust(64, b"\0") == another.ljust(64, b"\0")


@given(st.lists(keys, min_size=1, max_size=4, unique=True), st.data())
def test_both_find_their_signature_among_several(several: list[bytes], data: st.DataObject) -> None:
    body = event({})
    headers = Webhook(several).sign(body)
    assert len(headers["webhook-signature"].split(" ")) == len(several)
    mine = data.draw(st.sampled_from(several))
    assert theirs(mine, body, headers) == ours(mine, body, headers) == ours(several, body, headers) == json.loads(body)


def test_they_refuse_an_empty_secret_as_we_do() -> None:
    for kind in (Standard, Webhook):
        with pytest.raises(Exception, match="empty"):
            kind("whsec_")


def test_the_secret_of_the_documents_is_one() -> None:
    body = event({})
    assert theirs("s3cret", body, Webhook("s3cret").sign(body)) == json.loads(body)
    assert (
        Standard(SECRET).sign("msg_1", datetime(2024, 1, 15, tzinfo=UTC), body)
        == Webhook(SECRET).sign(body, id="msg_1", timestamp=datetime(2024, 1, 15, tzinfo=UTC))["webhook-signature"]
    )
