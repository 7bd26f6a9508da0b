"""Deliveries of webhooks: what is accepted, what is refused and why, and that nothing secret is told."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.reference import ROOT
from vantage_sdk import Cluster, ClusterScaled, Event, Job, JobEvent, Webhook, WebhookVerificationError
from vantage_sdk.models.event import EVENTS

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = 1705314600
JOB = {"id": "job_123", "status": "completed", "name": "simulation-run-1"}
BODY = json.dumps({"type": "job.completed", "timestamp": "2024-01-15T10:30:00Z", "data": JOB})


def at(moment: float = NOW, secret: Any = SECRET, **settings: Any) -> Webhook:
    return Webhook(secret, now=lambda: moment, **settings)


HEADERS = at().sign(BODY, id="msg_1")


def refused(check: str, webhook: Webhook, body: Any = BODY, headers: Any = None) -> WebhookVerificationError:
    with pytest.raises(WebhookVerificationError) as caught:
        webhook.unwrap(body, HEADERS if headers is None else headers)
    assert caught.value.check == check
    return caught.value


def test_the_example_of_the_standard_is_accepted() -> None:
    """The vector that the libraries of Standard Webhooks share."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    webhook = at(1614265330)
    assert webhook.sign('{"test": 2432232314}', id=headers["webhook-id"], timestamp=1614265330) == headers
    assert refused("body", webhook, '{"test": 2432232314}', headers).message.startswith("the body is no event")


def test_an_event_is_typed() -> None:
    event = at().unwrap(BODY.encode(), HEADERS)
    assert (type(event).__name__, event.type, event.webhook_id) == ("JobCompleted", "job.completed", "msg_1")
    assert event.timestamp == datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    assert isinstance(event, JobEvent)
    assert isinstance(event.data, Job)
    assert (event.data.id, event.data.succeeded) == ("job_123", True)
    assert event.to_dict() == json.loads(BODY)


@pytest.mark.parametrize("kind", [*EVENTS, "job.paused", ""])
def test_every_event_has_its_type_and_an_unknown_one_is_kept(kind: str) -> None:
    sent = {"type": kind, "timestamp": "2024-01-15T10:30:00Z", "data": {"id": "x", "name": "n"}, "new": [1]}
    event = at().unwrap(json.dumps(sent), at().sign(json.dumps(sent), id="msg_2"))
    assert type(event) is EVENTS.get(kind, Event)
    assert isinstance(event.data, {"job": Job, "cluster": Cluster}[kind.partition(".")[0]] if kind in EVENTS else dict)
    assert (event.to_dict(), event.extra) == (sent, {"new": [1]})
    again = pickle.loads(pickle.dumps(event))
    assert (again, again.webhook_id) == (event, "msg_2")


def test_an_event_made_by_hand_has_no_delivery() -> None:
    event = ClusterScaled(type="cluster.scaled", data=Cluster(id="c", name="n"))
    assert event.webhook_id is None


@pytest.mark.parametrize("data", [None, [], "job_123", {"status": 3}])
def test_odd_data_of_a_genuine_event_is_kept(data: Any) -> None:
    body = json.dumps({"type": "job.failed", "data": data})
    event = at().unwrap(body, at().sign(body))
    assert event.to_dict()["data"] == data
    assert event.type == "job.failed"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, str])
def test_a_body_is_taken_as_it_is(kind: Any) -> None:
    text = BODY.replace("simulation", "Überraschung €")
    body = text if kind is str else kind(text.encode())
    headers = at().sign(body)
    assert headers["webhook-signature"] == at().sign(text, id=headers["webhook-id"])["webhook-signature"]
    assert at().unwrap(body, headers).data.name == "Überraschung €-run-1"


def test_a_body_that_was_parsed_is_not_taken() -> None:
    with pytest.raises(TypeError, match="taken as received, bytes or text, not dict: written again"):
        at().unwrap(json.loads(BODY), HEADERS)


@pytest.mark.parametrize(
    "change", [lambda b: b + " ", lambda b: b.replace('": ', '":'), lambda b: b[:-1], lambda b: ""]
)
def test_a_changed_body_is_refused(change: Any) -> None:
    refused("signature", at(), change(BODY))


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"webhook-id": "msg_2"}, "signature"),
        ({"webhook-timestamp": str(NOW + 1)}, "signature"),
        ({"webhook-timestamp": f"{NOW}.0"}, "timestamp"),
        ({"webhook-timestamp": f"+{NOW}"}, "timestamp"),
        ({"webhook-timestamp": "nan"}, "timestamp"),
        ({"webhook-timestamp": "1" * 400}, "timestamp"),
        ({"webhook-timestamp": "١٧٠٥٣١٤٦٠٠"}, "timestamp"),
        ({"webhook-timestamp": "2024-01-15T10:30:00Z"}, "timestamp"),
        ({"webhook-timestamp": ""}, "timestamp"),
        ({"webhook-id": ""}, "id"),
        ({"webhook-id": "msg 1"}, "id"),
        ({"webhook-id": "mög_1"}, "id"),
        ({"webhook-id": "m" * 257}, "id"),
        ({"webhook-id": 7}, "id"),
        ({"webhook-signature": "ü"}, "signature"),
        ({"webhook-signature": "v1,\udcff"}, "signature"),
        ({"webhook-signature": "v1," + "A" * 9000}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"] + "é"}, "signature"),
        ({"webhook-signature": ""}, "signature"),
        ({"webhook-signature": "v1"}, "signature"),
        ({"webhook-signature": "v1,"}, "signature"),
        ({"webhook-signature": "v1,!!!"}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"].replace("v1", "v1a")}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"].removeprefix("v1,")}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"][:-2]}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v1,,")}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"] + "," + HEADERS["webhook-signature"]}, "signature"),
        ({"webhook-signature": HEADERS["webhook-signature"] + ", " + HEADERS["webhook-signature"]}, "signature"),
        ({"webhook-signature": "v1,AAAA v1,A,A " + HEADERS["webhook-signature"]}, "signature"),
        ({"webhook-signature": "junk " + HEADERS["webhook-signature"]}, "signature"),
    ],
)
def test_a_changed_header_is_refused(change: dict[str, Any], check: str) -> None:
    refused(check, at(), headers={**HEADERS, **change})


@pytest.mark.parametrize("name", HEADERS)
def test_a_missing_header_is_named(name: str) -> None:
    error = refused(name[8:], at(), headers={key: value for key, value in HEADERS.items() if key != name})
    assert str(error) == f"there is no header {name}"


@pytest.mark.parametrize(
    ("tolerance", "late", "good"),
    [
        (300, 300, True),
        (300, -300, True),
        (300, 301, False),
        (300, -301, False),
        (0, 0, True),
        (0, 0.999, True),
        (0, 1, False),
        (0, -1, False),
        (0.5, 1, False),
        (timedelta(minutes=10), 599, True),
        (timedelta(minutes=10), 601, False),
        (timedelta(0), 1, False),
    ],
)
def test_the_tolerance_holds_both_ways(tolerance: Any, late: float, good: bool) -> None:
    webhook = at(NOW + late, tolerance=tolerance)
    if good:
        assert webhook.unwrap(BODY, HEADERS)
    else:
        assert f"{abs(late):.0f} s" in str(refused("timestamp", webhook))


def test_the_clock_is_the_systems_unless_given() -> None:
    webhook = Webhook(SECRET)
    assert webhook.unwrap(BODY, webhook.sign(BODY))
    refused("timestamp", webhook)


@pytest.mark.parametrize("form", ["v1a,AAAA {}", "v2,x {}", "{}  v1,AAAA", "v1,AAAA {} v1,BBBB"])
def test_one_good_signature_among_others_is_enough(form: str) -> None:
    signatures = form.format(HEADERS["webhook-signature"])
    assert at().unwrap(BODY, {**HEADERS, "webhook-signature": signatures})


def test_a_repeated_delivery_is_refused_when_somebody_remembers() -> None:
    asked: list[str] = []

    def seen(webhook_id: str) -> bool:
        asked.append(webhook_id)
        return asked.count(webhook_id) > 1

    webhook = at(seen=seen)
    assert webhook.unwrap(BODY, HEADERS).webhook_id == "msg_1"
    assert "msg_1 was here before" in str(refused("replay", webhook))
    assert webhook.unwrap(BODY, at().sign(BODY, id="msg_2"))
    assert asked == ["msg_1", "msg_1", "msg_2"]


def test_only_the_id_of_a_genuine_event_is_remembered() -> None:
    asked: list[str] = []
    webhook = at(seen=lambda webhook_id: bool(asked.append(webhook_id)))
    refused("signature", webhook, BODY + " ")
    refused("timestamp", at(NOW + 400, seen=webhook._seen))
    refused("body", webhook, "[]", at().sign("[]"))
    assert asked == []


@pytest.mark.parametrize("answer", [None, 0, "no"])
def test_a_memory_that_does_not_answer_is_no_memory(answer: Any) -> None:
    with pytest.raises(TypeError, match="seen returns True or False, not"):
        at(seen=lambda webhook_id: answer).unwrap(BODY, HEADERS)


def test_a_memory_that_must_be_awaited_is_no_memory() -> None:
    async def seen(webhook_id: str) -> bool:
        return False

    with pytest.raises(TypeError, match="seen returns True or False, not coroutine"):
        at(seen=seen).unwrap(BODY, HEADERS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"type": 3}',
        '{"type": null}',
        "{",
        "\udcff",
        "[" * 100000,
        '{"type": "a", "data": NaN}',
    ],
)
def test_a_genuine_body_that_is_no_event_is_refused(body: str) -> None:
    error = refused("body", at(), body, at().sign(body))
    assert error.__context__ is None or error.__suppress_context__


def test_a_large_body_is_refused_before_it_is_looked_at() -> None:
    large = json.dumps({"type": "job.created", "data": {"id": "x" * 1000}})
    headers = at().sign(large)
    assert at(max_bytes=len(large)).unwrap(large, headers)
    assert "more than 1000 bytes" in str(refused("body", at(max_bytes=1000), large, headers))
    assert "more than 1048576 bytes" in str(refused("body", at(), b"x" * (1 << 20) + b"x", {}))
    assert "more than 10 bytes" in str(refused("body", at(max_bytes=10), "ü" * 6, {}))


def test_checking_loads_nothing_heavy_until_there_is_an_event() -> None:
    program = (
        "import sys; from vantage_sdk import Webhook, WebhookVerificationError\n"
        "webhook = Webhook(Webhook.new_secret())\n"
        "try: webhook.unwrap(b'{}', {**webhook.sign(b'{}'), 'webhook-id': 'another'})\n"
        "except WebhookVerificationError as error: print(error.check, *sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    check, *loaded = done.stdout.split()
    assert check == "signature"
    assert {"pydantic", "httpx", "anyio", "asyncio", "vantage_sdk.models.event"} & {*loaded} == set()
