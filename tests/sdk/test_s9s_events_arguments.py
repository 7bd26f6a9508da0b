"""What a subscription to live events takes, and what it needs."""

from __future__ import annotations

from typing import Any

import pytest

from vantage_sdk import AsyncLiveStream, AsyncS9SClient, LiveStream, S9SClient
from vantage_sdk.core.resource import RawSync
from vantage_sdk.s9s.events import Events


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("job",), {}, "channel is one of jobs, nodes, queue, metrics, alerts, not 'job'"),
        ((5,), {}, "channel takes text"),
        (({},), {}, "names no channel"),
        (("jobs", "alice"), {}, "filter takes a mapping, not str"),
        (("jobs", {"user": ["a"]}), {}, "filter takes a text or a number for 'user', not list"),
        (({"jobs": None}, {"user": "a"}), {}, "give each channel its own filter"),
        (({"jobs": None, "nodes": None},), {"after": 3}, "after is one number for one channel"),
        (({"jobs": None, "nodes": None},), {"after": {"queue": 3}}, "after names channels .* queue"),
        (("jobs",), {"after": -1}, "after is a number from 0"),
        (("jobs",), {"queue": 0}, "queue is a number from 1"),
        (("jobs",), {"overflow": "drop"}, "overflow is one of wait, drop_oldest, error"),
        (("jobs",), {"reconnect": "no"}, "reconnect takes True or False"),
        (("jobs",), {"ping_interval": 0}, "ping_interval must be above 0"),
        (("jobs",), {"chanel": 1}, "no keyword 'chanel'; did you mean 'channel'"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(arguments: Any, options: Any, message: str) -> None:
    for client in (S9SClient("https://h.invalid", "t"), AsyncS9SClient("https://h.invalid", "t")):
        with pytest.raises((TypeError, ValueError), match=message):
            client.events.subscribe(*arguments, **options)


def test_each_face_gets_its_own_kind_of_stream() -> None:
    blocking, asynchronous = S9SClient("https://h.invalid", "t"), AsyncS9SClient("https://h.invalid", "t")
    assert type(blocking.events.subscribe("jobs")) is LiveStream
    assert type(asynchronous.events.subscribe("jobs")) is AsyncLiveStream
    with pytest.raises(TypeError, match="no raw form"):
        Events(blocking._sender, RawSync).subscribe  # type: ignore[call-overload]  # noqa: B018


def test_without_the_extra_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "websockets.client", None)
    with S9SClient("https://h.invalid", "t") as client:
        with pytest.raises(ImportError, match=r"events.subscribe\(\) needs .* pip install 'vantage-sdk\[events\]'"):
            next(client.events.subscribe("jobs"))
        with pytest.raises(ImportError, match=r"jobs.follow\(\) needs .* pip install 'vantage-sdk\[events\]'"):
            next(client.jobs.follow("1"))
