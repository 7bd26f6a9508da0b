"""The secrets that deliveries are signed with: their forms, their replacement, and that nothing tells them."""

from __future__ import annotations

import pickle
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sdk.test_webhook import BODY, HEADERS, NOW, OTHER, SECRET, at, refused
from vantage_sdk import Webhook


@pytest.mark.parametrize("secrets", [[SECRET, OTHER], (OTHER, SECRET), iter([OTHER, SECRET])])
def test_a_secret_can_be_replaced(secrets: Any) -> None:
    webhook = at(secret=secrets)
    assert webhook.unwrap(BODY, HEADERS)
    assert webhook.unwrap(BODY, at(secret=OTHER).sign(BODY))
    both = webhook.sign(BODY, id="msg_1")
    assert len(both["webhook-signature"].split(" ")) == 2
    assert HEADERS["webhook-signature"] in both["webhook-signature"]
    assert at().unwrap(BODY, both)
    assert at(secret=OTHER).unwrap(BODY, both)
    refused("signature", at(secret=Webhook.new_secret()), headers=both)


@pytest.mark.parametrize(
    "same",
    ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"1\xf2\x90\xf6\xbf\x06)\x8a\xabO\x08\xd4<?\x08,\xf6H\xa3b\xda-\xa4\xb0"],
)
def test_a_secret_may_come_without_its_prefix_or_as_bytes(same: Any) -> None:
    assert at(secret=same).sign(BODY, id="msg_1") == HEADERS


@pytest.mark.parametrize(
    ("secret", "error", "says"),
    [
        ("", ValueError, "cannot be empty"),
        ("whsec_", ValueError, "cannot be empty"),
        (b"", ValueError, "cannot be empty"),
        ("hunter2 hunter2", ValueError, "is base64"),
        ("hunter2ü", ValueError, "is base64"),
        ("hunter22!!!!", ValueError, "is base64"),
        ("hunter2hunter2hunter2", ValueError, "is base64"),
        (3, TypeError, "not int"),
        (None, TypeError, "not NoneType"),
        ([], ValueError, "give 1 to 16 secrets, not 0"),
        ([SECRET] * 17, ValueError, "give 1 to 16 secrets, not 17"),
        ([SECRET, None], TypeError, "a secret is text or bytes, not NoneType"),
        ({"secret": SECRET}, TypeError, "not dict"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_a_word_of_it(secret: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        Webhook(secret)
    assert "hunter" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"tolerance": -1}, ValueError, "tolerance is a number of seconds from 0, not -1"),
        ({"tolerance": float("nan")}, ValueError, "tolerance is a number of seconds from 0"),
        ({"tolerance": float("inf")}, ValueError, "tolerance is a number of seconds from 0"),
        ({"tolerance": None}, TypeError, "tolerance takes seconds or a timedelta, not NoneType"),
        ({"tolerance": True}, TypeError, "tolerance takes seconds or a timedelta, not bool"),
        ({"tolerance": "300"}, TypeError, "tolerance takes seconds or a timedelta, not str"),
        ({"seen": {"msg_1"}}, TypeError, "seen is a function of an id, not set"),
    ],
)
def test_wrong_settings_are_refused(settings: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        Webhook(SECRET, **settings)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"id": ""}, ValueError, "id cannot stand in a header"),
        ({"id": "a\r\nX: y"}, ValueError, "id cannot stand in a header"),
        ({"id": "ü"}, ValueError, "id cannot stand in a header"),
        ({"id": 3}, ValueError, "id cannot stand in a header"),
        ({"timestamp": -1}, ValueError, "timestamp takes seconds since 1970, not -1"),
        ({"timestamp": 10**12}, ValueError, "timestamp takes seconds since 1970"),
        ({"timestamp": float("nan")}, ValueError, "timestamp takes seconds since 1970"),
        ({"timestamp": "now"}, TypeError, "timestamp takes seconds since 1970 or a datetime, not str"),
        ({"timestamp": True}, TypeError, "timestamp takes seconds since 1970 or a datetime, not bool"),
        ({"timestamp": datetime(2024, 1, 15)}, ValueError, "a datetime needs a time zone"),
    ],
)
def test_what_cannot_be_signed_is_refused(given: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        at().sign(BODY, **given)


def test_signing_takes_any_form_of_a_time_and_makes_new_ids() -> None:
    moments = [NOW, NOW + 0.9, datetime.fromtimestamp(NOW, UTC), None]
    assert {at().sign(BODY, timestamp=moment)["webhook-timestamp"] for moment in moments} == {str(NOW)}
    assert len({at().sign(BODY)["webhook-id"] for _ in range(100)}) == 100
    assert len({Webhook.new_secret() for _ in range(100)}) == 100
    assert Webhook(Webhook.new_secret())


def test_nothing_tells_the_secret_or_a_signature() -> None:
    webhook = at(secret=[SECRET, OTHER])
    good = HEADERS["webhook-signature"].removeprefix("v1,")
    error = refused("signature", webhook, BODY + " ")
    forged = webhook.sign(BODY + " ", id="msg_1")["webhook-signature"].split(" ")
    told = f"{webhook!r}{vars(webhook)}{error!r}{error}{vars(error)}"
    told += "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=True))
    assert not [text for text in (SECRET[6:], OTHER, *(text.removeprefix("v1,") for text in forged)) if text in told]
    assert good not in f"{error!r}{error}{vars(error)}"
    assert repr(webhook) == "<Webhook with 2 secrets, tolerance 300 s>"
    assert repr(at(tolerance=0)) == "<Webhook with 1 secret, tolerance 0 s>"
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(webhook)
    assert pickle.loads(pickle.dumps(error)).check == "signature"
