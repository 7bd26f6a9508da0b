"""Where settings come from, and what is refused."""

from __future__ import annotations

import os
import pickle
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.answers import job
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import AsyncVantageClient, ConfigError, VantageClient
from vantage_sdk.profiles import config_file

KEY = "vntg_0123456789abcdef0123456789"


def profile(text: str, mode: int = 0o600) -> Path:
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_an_argument_beats_the_environment_beats_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    path = profile(
        '[default]\napi_key = "from-profile"\nbase_url = "https://profile.example"\norganization = "org-p"\n'
    )
    client = VantageClient()
    assert client.config.base_url == "https://profile.example/v1"
    assert client.config.sources["api_key"] == f"profile 'default' of {path}"
    monkeypatch.setenv("VANTAGE_BASE_URL", "https://env.example")
    monkeypatch.setenv("VANTAGE_API_KEY", KEY)
    assert VantageClient().config.base_url == "https://env.example/v1"
    client = VantageClient(base_url="https://argument.example", organization="org-a")
    assert client.config.base_url == "https://argument.example/v1"
    assert client.config.organization == "org-a"
    text = client.config.explain()
    assert "VANTAGE_API_KEY" in text
    assert "vntg_0123" in text
    assert KEY not in text
    assert [line.split()[-1] for line in text.splitlines()][:3] == ["VANTAGE_API_KEY", "argument", "argument"]


def test_profiles_are_chosen_by_argument_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    profile('[default]\napi_key = "a"\n[staging]\napi_key = "b"\nbase_url = "https://staging.example"\n')
    assert VantageClient(profile="staging").config.base_url == "https://staging.example/v1"
    monkeypatch.setenv("VANTAGE_PROFILE", "staging")
    assert VantageClient().config.base_url == "https://staging.example/v1"
    with pytest.raises(ConfigError, match="no profile 'prod'; it has: default, staging"):
        VantageClient(profile="prod")


def test_a_profile_may_set_limits_but_nothing_unknown() -> None:
    path = profile('[default]\napi_key = "a"\ntimeout = 5\nmax_retries = 7\n')
    config = VantageClient().config
    assert (config.timeout, config.max_retries) == (5.0, 7)
    assert config.sources["timeout"] == f"profile 'default' of {path}"
    assert VantageClient(timeout=9).config.timeout == 9.0
    profile('[default]\napi_key = "a"\ntimeout = "long"\n')
    with pytest.raises(ConfigError, match="timeout takes seconds"):
        VantageClient()
    profile('[default]\napi_key = "a"\ntimout = 5\n')
    with pytest.raises(ConfigError, match="unknown settings: timout"):
        VantageClient()


def test_a_profile_that_others_can_read_is_warned_about() -> None:
    profile('[default]\napi_key = "a"\n', 0o644)
    with pytest.warns(UserWarning, match="chmod 600"):
        VantageClient()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[default\n", "no valid TOML"),
        ("[default]\napi_key = 3\n", "api_key .* takes text, not int"),
        ("default = 3\n", "no API key"),
    ],
)
def test_a_broken_profile_is_a_config_error(text: str, says: str) -> None:
    profile(text)
    with pytest.raises(ConfigError, match=says):
        VantageClient()


def test_without_a_key_the_error_names_the_ways_to_give_one() -> None:
    with pytest.raises(ConfigError, match=r"no API key: pass api_key=, set VANTAGE_API_KEY, or .*config\.toml"):
        VantageClient()
    with pytest.raises(ConfigError):
        AsyncVantageClient()
    with pytest.raises(ConfigError, match="was asked for, but"):
        VantageClient(profile="x")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"api_key": "bad\nkey"}, "api_key"),
        ({"api_key": "schlüssel"}, "api_key"),
        ({"api_key": "  "}, "api_key"),
        ({"api_key": 3}, "api_key .argument. takes text, not int"),
        ({"base_url": "http://somewhere.example"}, "unencrypted.*allow_insecure=True.*from: argument"),
        ({"base_url": "ftp://x"}, "https://"),
        ({"base_url": "https://user:hunter2@x.example"}, "user name or password"),
        ({"base_url": "https://x.example/?a=b"}, "query"),
        ({"organization": "a\nb"}, "organization takes printable ASCII"),
        ({"timeout": 0}, "timeout must be above 0"),
        ({"timeout": "30"}, "timeout takes seconds"),
        ({"timeout": -1}, "timeout must be above 0"),
        ({"max_retries": -1}, "max_retries cannot be -1"),
        ({"max_retries": True}, "max_retries cannot be True"),
        ({"max_retries": 1.5}, "max_retries cannot be 1.5"),
        ({"deadline": 0}, "deadline must be above 0"),
        ({"max_retry_wait": 0}, "max_retry_wait must be above 0"),
        ({"verify": False}, "cannot be switched off"),
        ({"verify": "/no/such/file"}, "does not exist"),
        ({"max_connections": 0}, "max_connections is a number from 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_config_error(settings: dict[str, Any], says: str) -> None:
    for kind in (VantageClient, AsyncVantageClient):
        with pytest.raises(ConfigError, match=says) as caught:
            kind(**{"api_key": "key", **settings})
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://x.example", "https://x.example/v1"),
        ("https://x.example/v1/", "https://x.example/v1"),
        ("https://x.example/mount", "https://x.example/mount/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        (None, "https://api.vantage.omnivector.solutions/v1"),
    ],
)
def test_base_urls_may_be_bare_or_versioned(given: str | None, used: str) -> None:
    assert VantageClient("key", given).config.base_url == used


def test_http_elsewhere_needs_a_word() -> None:
    assert VantageClient("key", "http://x.example", allow_insecure=True).config.base_url == "http://x.example/v1"


def test_times_may_be_timedeltas_and_none_means_no_limit() -> None:
    config = VantageClient("key", timeout=timedelta(minutes=1), deadline=timedelta(seconds=90)).config
    assert (config.timeout, config.deadline) == (60.0, 90.0)
    assert VantageClient("key", timeout=None).config.timeout is None


def test_white_space_around_a_key_is_dropped_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="white space"):
        client = VantageClient(" key-with-space \n")
    assert client.config.api_key.reveal() == "key-with-space"


async def test_with_options_copies_share_everything_but_their_limits(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(200, job())) as server:
        async with face.client(server.url, organization="org-1") as client:
            copy = client.with_options(timeout=5, max_retries=0, organization="org-2", deadline=9)
            await client.jobs.get("a")
            await copy.jobs.get("a")
            assert (copy.config.timeout, copy.config.max_retries, copy.config.deadline) == (5.0, 0, 9.0)
            assert copy.config.sources["timeout"] == "with_options"
            assert (client.config.timeout, client.config.max_retries) == (30.0, 3)
            with pytest.raises(TypeError, match="takes no api_key"):
                client.with_options(api_key="x")
            with pytest.raises(ConfigError):
                client.with_options(timeout=-1)
    assert server.connections == 1
    assert [request.header("x-organization-id") for request in server.requests] == ["org-1", "org-2"]


async def test_per_call_headers_are_sent_but_cannot_replace_the_credential(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(200, job())) as server:
        async with face.client(server.url) as client:
            await client.jobs.get("a", extra_headers={"X-Trace": "t"})
            for name in (
                "Authorization",
                "authorization",
                "Host",
                "X-API-Key",
                "Cookie",
                "Idempotency-Key",
                "Content-Type",
            ):
                with pytest.raises(ValueError, match="the client does"):
                    await client.jobs.get("a", extra_headers={name: "x"})
            with pytest.raises(ValueError, match="no header name"):
                await client.jobs.get("a", extra_headers={"a b": "x"})
            with pytest.raises(ValueError, match="a character that no header may have"):
                await client.jobs.get("a", extra_headers={"a": "x\r\ny"})
            await client.jobs.get("a", extra_headers={"user-agent": "mine"})
            for bad in ([("a", "b")], {"a": 1}):
                with pytest.raises(TypeError, match="extra_headers takes"):
                    await client.jobs.get("a", extra_headers=bad)
    assert len(server.requests) == 2
    assert server.requests[0].header("x-trace") == "t"
    assert server.requests[1].values("user-agent") == ["mine"]


@pytest.mark.parametrize("bad", [{"timeout": 0}, {"deadline": "soon"}, {"max_retries": -1}, {"max_retries": "3"}])
async def test_odd_options_of_a_call_are_refused_before_anything_is_sent(face: Face, bad: dict[str, Any]) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises((TypeError, ValueError), match=next(iter(bad))):
            await client.jobs.get("a", **bad)


def test_a_pickled_client_finds_key_and_url_together_where_it_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    profile(
        '[default]\napi_key = "a"\nbase_url = "https://one.example"\n'
        '[lab]\napi_key = "b"\nbase_url = "http://lab.example"\n'
    )
    client = VantageClient(profile="lab", allow_insecure=True, max_retries=1).with_options(
        timeout=5, organization="org"
    )
    twin = pickle.loads(pickle.dumps(client))
    assert (twin.config.base_url, twin.config.api_key.reveal()) == ("http://lab.example/v1", "b")
    assert (twin.config.timeout, twin.config.max_retries, twin.config.organization) == (5.0, 1, "org")
    for settings in ({"api_key": KEY}, {"verify": ssl.create_default_context()}, {"http_client": httpx.Client()}):
        if "api_key" not in settings:
            monkeypatch.setenv("VANTAGE_API_KEY", KEY)
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(VantageClient(**settings))


def test_debug_logs_exchanges_without_credentials(capfd: pytest.CaptureFixture[str]) -> None:
    import subprocess
    import sys

    with ScriptedServer([Json(200, job())]) as server:
        code = f"from vantage_sdk import VantageClient\nwith VantageClient({KEY!r}, {server.url!r}, debug=True) as c: c.jobs.get('job-1')"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env={**os.environ}
        )
    assert "GET /v1/jobs/job-1 -> 200" in done.stderr
    assert KEY not in done.stderr
