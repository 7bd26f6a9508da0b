"""The description of S9S and its pages, which need nothing from elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from openapi_spec_validator import validate

from mock_server import MockServer
from mock_server.s9s.documents import REDOC_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

NOBODY = {"Authorization": ""}


@pytest.fixture(params=["prefix", "port", "host"])
def address(request: pytest.FixtureRequest, make_server: Callable[..., MockServer]) -> tuple[str, str, dict[str, str]]:
    """Where S9S is, the mount that is in front of its links, and what to send."""
    server = make_server(s9s_port=0)
    kinds = {
        "prefix": (f"{server.url}/s9s", "/s9s", NOBODY),
        "port": (server.s9s_url, "", NOBODY),
        "host": (server.url, "", {**NOBODY, "Host": "api.example.com"}),
    }
    return kinds[request.param]


def test_both_notations_say_the_same(address: tuple[str, str, dict[str, str]]) -> None:
    url, mount, headers = address
    answer = httpx.get(f"{url}/v1/openapi.json", headers=headers)
    spelled = httpx.get(f"{url}/v1/openapi.yaml", headers=headers)
    description: dict[str, Any] = answer.json()
    assert yaml.safe_load(spelled.text) == description
    assert spelled.headers["content-type"].startswith("application/yaml")
    assert description["servers"] == [{"url": mount or "/"}]
    assert description["openapi"].startswith("3.1")
    assert httpx.get(f"{url}/api/v1/openapi.json", headers=headers).json() == description
    validate(description)


def test_it_names_the_four_kinds_of_credentials(s9s: httpx.Client) -> None:
    description = s9s.get("/v1/openapi.json").json()
    kinds = description["components"]["securitySchemes"]
    assert {name: kind["type"] for name, kind in kinds.items()} == {
        "bearer": "http",
        "api_key": "apiKey",
        "oauth": "oauth2",
        "certificate": "mutualTLS",
    }
    assert kinds["oauth"]["flows"]["clientCredentials"]["tokenUrl"] == "/s9s/oauth/token"
    assert description["security"] == [{name: []} for name in kinds]
    assert description["paths"]["/oauth/token"]["post"]["security"] == []
    assert "X-RateLimit-Window" in description["components"]["headers"]


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_the_pages_find_all_they_need_here(address: tuple[str, str, dict[str, str]], page: str) -> None:
    url, mount, headers = address
    answer = httpx.get(f"{url}/{page}", headers=headers)
    assert answer.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:href|src|spec-url)="([^"]+)"|url: "([^"]+)"', answer.text)
    found = [first or second for first, second in links]
    assert f"{mount}/v1/openapi.json" in found
    for link in found:
        assert link.startswith(f"{mount}/")
        loaded = httpx.get(url.removesuffix(mount) + link, headers=headers)
        assert (loaded.status_code, len(loaded.content) > 100) == (200, True)


def test_nothing_comes_from_another_host(s9s: httpx.Client) -> None:
    assert "//" not in REDOC_PAGE.replace("</", "")
    assert b"cdn." not in s9s.get("/redoc/redoc.standalone.js").content
    assert s9s.get("/redoc/logo-mini.svg").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/docs/nothing.js", "/redoc/index.html", "/redoc/..%2F__init__.py"])
def test_other_files_are_not_served(s9s: httpx.Client, path: str) -> None:
    assert s9s.get(path).json()["error"]["code"] == "RESOURCE_NOT_FOUND"
