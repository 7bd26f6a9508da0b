"""Where the settings of the job service and of S9S come from, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import s9s_client
from tests.support.faces import Face
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import (
    AsyncJobServiceClient,
    AsyncS9SClient,
    AsyncVantageClient,
    ConfigError,
    JobServiceClient,
    S9SClient,
    VantageClient,
)
from vantage_sdk.profiles import config_file

URL = "https://api.example.com"
SECRET = "secret-0123456789-abcdefghij"
JOBS = [JobServiceClient, AsyncJobServiceClient]
S9S = [S9SClient, AsyncS9SClient]


def profile(text: str) -> Path:
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("kind", JOBS)
def test_the_job_service_has_no_default_address(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no token: pass token=, set VANTAGE_JOB_SERVICE_TOKEN, or put token into"):
        kind()
    with pytest.raises(ConfigError, match="no address of the job service: pass base_url=, set VANTAGE_JOB_SERVICE_URL"):
        kind(token="t")
    profile('[default.jobservice]\ntoken = "of-file"\nbase_url = "https://file.example"\ntimeout = 5\n')
    assert (kind().config.token.reveal(), kind().config.timeout) == ("of-file", 5.0)
    monkeypatch.setenv("VANTAGE_JOB_SERVICE_URL", "http://localhost:8000")
    monkeypatch.setenv("VANTAGE_JOB_SERVICE_TOKEN", "of-environment")
    client = kind()
    assert (client.config.base_url, client.config.token.reveal()) == ("http://localhost:8000/api/v1", "of-environment")
    assert kind(token="given", base_url=URL).config.base_url == f"{URL}/api/v1"
    assert kind("given").config.token.reveal() == "given"


@pytest.mark.parametrize("kind", S9S)
def test_s9s_takes_its_settings_as_documented(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    client = kind(base_url=URL, token="your_token_here")
    assert (client.config.base_url, client.config.token.reveal()) == (f"{URL}/v1", "your_token_here")
    with pytest.raises(ConfigError, match="no address of S9S: pass base_url=, set S9S_API_URL"):
        kind(token="t")
    with pytest.raises(ConfigError, match=r"no credential: pass token=.*S9S_API_TOKEN.*\[?s9s"):
        kind(URL)
    monkeypatch.setenv("S9S_API_URL", "https://api-test.example.com/v1")
    monkeypatch.setenv("S9S_API_TOKEN", "test_token_123")
    assert kind().config.base_url == "https://api-test.example.com/v1"
    assert kind().config.token.reveal() == "test_token_123"
    assert [line.split()[-1] for line in kind().config.explain().splitlines()][:2] == ["S9S_API_TOKEN", "S9S_API_URL"]


@pytest.mark.parametrize("kind", S9S)
def test_the_first_place_with_a_credential_has_it(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    profile('[default.s9s]\nclient_id = "me"\nclient_secret = "x"\n[other.s9s]\napi_key = "of-file"\n')
    assert "client_id" in kind(URL).config.explain()
    assert kind(URL, profile="other").config.api_key.reveal() == "of-file"
    monkeypatch.setenv("S9S_API_TOKEN", "of-environment")
    assert kind(URL).config.token.reveal() == "of-environment"
    assert kind(URL, api_key="given").config.api_key.reveal() == "given"
    assert kind(URL, api_key="given").config.token is None


@pytest.mark.parametrize("kind", S9S)
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"token": "t", "api_key": "k"}, "one credential is enough.*not token, api_key"),
        ({"token": "t", "client_id": "i", "client_secret": SECRET}, "one credential is enough"),
        ({"api_key": "k", "client_id": "i", "client_secret": SECRET}, "one credential is enough"),
        ({"client_id": "i"}, "belong together"),
        ({"client_secret": SECRET}, "belong together"),
        ({"client_id": "", "client_secret": SECRET}, "client_id takes printable text"),
        ({"client_id": "i", "client_secret": ""}, "client_secret is empty"),
        ({"token": "a\nb"}, "token contains a line break"),
        ({"token": 3}, "token .argument. takes text, not int"),
        ({"api_key": " "}, "api_key is empty"),
        ({"token": "t", "timeout": 0}, "timeout must be above 0"),
        ({"token": "t", "base_url": "http://somewhere.example"}, "unencrypted"),
        ({"token": "t", "base_url": 3}, "base_url .argument. takes text, not int"),
        ({"token": "t", "verify": True}, "cannot be switched off"),
    ],
)
def test_what_makes_no_sense_is_refused(kind: type[Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        kind(**{"base_url": URL, **settings})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("kind", [*JOBS, *S9S])
def test_an_unknown_setting_of_its_table_is_refused(kind: type[Any]) -> None:
    profile(
        '[default]\napi_key = "k"\n[default.s9s]\ntoken = "t"\norganization = "o"\n[default.jobservice]\napi_key = "k"\n'
    )
    family, name = ("jobservice", "api_key") if kind in JOBS else ("s9s", "organization")
    with pytest.raises(ConfigError, match=f"profile 'default', table '{family}', has unknown settings: {name}"):
        kind(base_url=URL)
    assert VantageClient().config.api_key is not None
    profile('[default]\ns9s = "t"\napi_key = "k"\n')
    with pytest.raises(ConfigError, match="profile 'default' has unknown settings: s9s"):
        VantageClient()


def test_a_certificate_may_stand_in_the_profile() -> None:
    profile('[default.s9s]\ncert = ["no-cert.pem", "no-key.pem"]\n')
    with pytest.raises(ConfigError, match=r"no-cert\.pem.*does not exist"):
        S9SClient(URL)


@pytest.mark.parametrize("kind", [*JOBS, *S9S])
def test_limits_are_changed_in_a_copy(kind: type[Any]) -> None:
    client = kind(token="t", base_url=URL, timeout=None, deadline=60)
    copy = client.with_options(timeout=3, max_retries=0)
    assert (copy.config.timeout, copy.config.deadline, copy.config.max_retries) == (3.0, 60.0, 0)
    assert client.config.timeout is None
    assert copy._sender.io is client._sender.io
    assert repr(client) == f"<{kind.__name__} {client.config.base_url}>"
    with pytest.raises(TypeError, match="with_options takes no organization"):
        client.with_options(organization="o")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(kind, {"token": SECRET}) for kind in (*JOBS, *S9S)]
    + [(kind, {"token": lambda: SECRET}) for kind in (*JOBS, *S9S)]
    + [
        (kind, settings)
        for kind in S9S
        for settings in ({"api_key": SECRET}, {"client_id": "i", "client_secret": SECRET})
    ],
)
def test_a_client_with_a_given_secret_is_not_pickled(kind: type[Any], settings: dict[str, Any]) -> None:
    with pytest.raises(
        TypeError, match="cannot be pickled.*(set (VANTAGE_JOB_SERVICE|S9S_API)_TOKEN|table s9s of a pro)"
    ):
        pickle.dumps(kind(base_url=URL, **settings))


@pytest.mark.parametrize("kind", [*JOBS, *S9S])
def test_a_client_with_secrets_from_elsewhere_is_pickled_without(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "VANTAGE_JOB_SERVICE_TOKEN" if kind in JOBS else "S9S_API_TOKEN"
    monkeypatch.setenv(variable, SECRET)
    data = pickle.dumps(kind(base_url=URL, timeout=7))
    assert SECRET not in data.decode("latin-1")
    monkeypatch.setenv(variable, "another")
    copy = pickle.loads(data)
    assert (copy.config.token.reveal(), copy.config.timeout, copy.config.base_url[:23]) == ("another", 7.0, URL)
    profile('[default.s9s]\nclient_id = "me"\nclient_secret = "of-file"\n')
    monkeypatch.delenv(variable)
    if kind in S9S:
        assert "me" in pickle.loads(pickle.dumps(kind(URL))).config.explain()


def test_the_documented_module_has_the_clients_of_s9s() -> None:
    assert (s9s_client.S9SClient, s9s_client.AsyncS9SClient) == (S9SClient, AsyncS9SClient)


@pytest.mark.parametrize("kind", [VantageClient, AsyncVantageClient])
def test_the_tables_of_the_services_are_none_of_the_platform(kind: type[Any]) -> None:
    profile('[default]\napi_key = "k"\n[default.s9s]\ntoken = "t"\n[default.jobservice]\ntoken = "t"\n')
    assert kind().config.api_key.reveal() == "k"
    assert kind().config.token is None


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [({"token": "t"}, "authorization", "Bearer t"), ({"api_key": "YOUR_API_KEY"}, "x-api-key", "YOUR_API_KEY")],
)
async def test_a_fixed_credential_travels_in_its_header(
    face: Face, settings: dict[str, Any], name: str, value: str
) -> None:
    with ScriptedServer([Json(200, {})]) as server:
        async with face.s9s(server.url, **settings) as client:
            await client.request("GET", "/jobs")
    (request,) = server.requests
    assert request.values(name) == [value]
    other = {"authorization", "x-api-key"} - {name}
    assert request.header(other.pop()) is None


async def test_paths_outside_of_the_version_are_reached(face: Face) -> None:
    with ScriptedServer(lambda request, _: Json(200, {"path": request.target})) as server:
        async with face.s9s(f"{server.url}/mount") as client:
            for path in ("/docs", "/redoc", "/oauth/token"):
                assert (await client.request("GET", path)).data == {"path": f"/mount{path}"}
        async with face.job_service(server.url) as client:
            for path in ("/jobs/", "/api/v1/jobs/"):
                assert (await client.request("GET", path)).data == {"path": "/api/v1/jobs/"}
