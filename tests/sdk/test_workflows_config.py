"""Where workflows, keys and node types are, and which key goes there."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tests.sdk.test_config import profile
from tests.support.answers import jobs
from tests.support.envelopes import enveloped, summary
from tests.support.faces import Face
from tests.support.scripted import Redirect, Request, ScriptedServer, Step
from vantage_sdk import ConfigError, VantageAPIError, VantageClient

WORKFLOW = {**summary(42), "nodes": [], "edges": []}
KEY = "vntg_0123456789abcdef0123456789"


def good(request: Request, connection: int) -> Step:
    return jobs() if request.path.endswith("/jobs") else enveloped(WORKFLOW)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://x.example", "https://x.example/api/v1"),
        ("https://x.example/v1/", "https://x.example/api/v1"),
        ("https://x.example/api/v1", "https://x.example/api/v1"),
        ("https://x.example/mount", "https://x.example/mount/api/v1"),
        ("https://x.example/mount/v1", "https://x.example/mount/api/v1"),
        ("https://x.example/api", "https://x.example/api/api/v1"),
        ("https://v1", "https://v1/api/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api/v1"),
        (None, "https://api.vantage.omnivector.solutions/api/v1"),
    ],
)
def test_workflows_are_beside_the_platform(given: str | None, used: str) -> None:
    client = VantageClient("key", given)
    assert client.config.workflows_url == used
    assert client.workflows._sender.config.base_url == used
    assert client.workflows._sender.config.path_prefix.endswith("/api/v1")


def test_their_address_and_key_come_from_the_usual_places(monkeypatch: pytest.MonkeyPatch) -> None:
    path = profile(f'[default]\napi_key = "a"\nworkflows_url = "https://profile.example/m"\nworkflows_key = "{KEY}"\n')
    client = VantageClient()
    assert client.workflows._sender.config.base_url == "https://profile.example/m/api/v1"
    assert client.workflows._sender.config.api_key.reveal() == KEY
    assert client.jobs._sender.config.api_key.reveal() == "a"
    text = client.config.explain()
    assert "workflows_url" in text
    assert f"profile 'default' of {path}" in text
    assert KEY not in text + repr(client.config) + repr(client.workflows)
    monkeypatch.setenv("VANTAGE_WORKFLOWS_URL", "https://env.example")
    monkeypatch.setenv("VANTAGE_WORKFLOWS_KEY", "env-key")
    sender = VantageClient().keys._sender
    assert (sender.config.base_url, sender.config.api_key.reveal()) == ("https://env.example/api/v1", "env-key")
    sender = VantageClient(workflows_url="https://a.example/api/v1/", workflows_key="mine").node_types._sender
    assert (sender.config.base_url, sender.config.api_key.reveal()) == ("https://a.example/api/v1", "mine")


async def test_each_key_goes_to_its_own_family_and_limits_hold_for_both(face: Face) -> None:
    with ScriptedServer(good) as platform, ScriptedServer(good) as workflows:
        settings = {"workflows_url": workflows.url, "workflows_key": "other", "organization": "org"}
        async with face.client(platform.url, **settings) as client:
            await client.with_options(organization="org-2").workflows.get(42)
            await client.jobs.list()
    assert [request.header("authorization") for request in workflows.requests] == ["Bearer other"]
    assert [request.header("x-organization-id") for request in workflows.requests] == ["org-2"]
    assert [request.header("authorization") for request in platform.requests] == ["Bearer your-api-key"]


@pytest.mark.parametrize("url", ["https://other.example", "https://api.vantage.omnivector.solutions:444"])
def test_the_platform_key_goes_to_no_other_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="pass workflows_key= or set VANTAGE_WORKFLOWS_KEY"):
        VantageClient(KEY, workflows_url=url)
    monkeypatch.setenv("VANTAGE_WORKFLOWS_URL", url)
    with pytest.raises(ConfigError, match="api_key is only sent to that one"):
        VantageClient(KEY)
    assert VantageClient(KEY, workflows_key=KEY).config.workflows_url.startswith(url)
    same = VantageClient(KEY, workflows_url="https://api.vantage.omnivector.solutions/mount")
    assert same.workflows._sender.config.api_key.reveal() == KEY


async def test_a_redirect_to_the_other_family_of_another_server_takes_no_key_along(face: Face) -> None:
    with ScriptedServer(good) as other, ScriptedServer([Redirect(302, other.url + "/api/v1/workflows/42")]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(VantageAPIError, match="which is not followed"):
                await client.workflows.get(42)
    assert other.requests == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"workflows_url": "http://x.example", "workflows_key": "k"}, "workflows_url would send .* unencrypted"),
        ({"workflows_url": "x.example"}, "workflows_url must begin with https://"),
        ({"workflows_url": "https://me:hunter2@x.example"}, "workflows_url cannot hold a user name or password"),
        ({"workflows_url": 7}, "workflows_url .argument. takes text, not int"),
        ({"workflows_key": "a\nb"}, "workflows_key"),
        ({"workflows_key": ""}, "workflows_key is empty"),
        ({"requests_per_minute": 0}, "requests_per_minute is a number from 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_config_error(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        VantageClient(api_key="key", **settings)
    assert "hunter2" not in str(caught.value)


def test_a_client_is_pickled_without_the_key_of_workflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANTAGE_API_KEY", "key")
    with pytest.raises(TypeError, match=r"made with workflows_key= cannot be pickled.*VANTAGE_WORKFLOWS_KEY"):
        pickle.dumps(VantageClient(workflows_key=KEY))
    monkeypatch.setenv("VANTAGE_WORKFLOWS_KEY", KEY)
    packed = pickle.dumps(VantageClient(workflows_url="https://a.example"))
    assert KEY.encode() not in packed
    config = pickle.loads(packed).workflows._sender.config
    assert (config.base_url, config.api_key.reveal()) == ("https://a.example/api/v1", KEY)
