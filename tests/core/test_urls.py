"""No value leaves its path segment, and no credential its origin."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import example, given, settings, strategies as st

from vantage_sdk.core.urls import Origin, base_url, expand, same_origin, segment

TRICKY = st.text(st.sampled_from("./\\%?#:;@ \t\n\x00\x7f\x85éß。／\ud800a2eF[]"), max_size=12)
TEXT = TRICKY | st.text(max_size=30)


class State(StrEnum):
    DONE = "done"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("job-1", "job-1"),
        ("dataRef:wf42_a", "dataRef%3Awf42_a"),
        ("a/b", "a%2Fb"),
        ("../admin", "..%2Fadmin"),
        ("...", "..."),
        ("%2e%2e", "%252e%252e"),
        ("a b+c", "a%20b%2Bc"),
        ("é", "%C3%A9"),
        ("?x#y", "%3Fx%23y"),
        (State.DONE, "done"),
    ],
)
def test_segment(value: str, encoded: str) -> None:
    assert segment(value, "job_id") == encoded


@pytest.mark.parametrize("value", ["", ".", "..", "a\n", "\0", "\x1b[0m", "a\x7f", "\x85", "\ud800", "x" * 500 + "\n"])
def test_what_no_segment_can_carry_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="^job_id ") as caught:
        segment(value, "job_id")
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "NoneType"), (True, "bool"), (3, "int"), (b"a", "bytes"), (["a"], "list")],
)
def test_only_text_is_a_segment(value: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=f"^job_id takes text, not {kind}$"):
        segment(value, "job_id")


@settings(deadline=None)
@given(TEXT)
@example("..")
@example("\u2024\u2024")
def test_any_text_is_one_segment_or_an_error(value: str) -> None:
    try:
        path = expand("/v1/jobs/{job_id}/output", {"job_id": value})
    except ValueError as error:
        assert str(error).startswith("job_id ")
        return
    raw = httpx.URL(f"https://api.example{path}").raw_path.decode()
    assert raw == path
    assert raw.split("/")[1:] == ["v1", "jobs", quote(value, safe=""), "output"]
    assert unquote(path.split("/")[3]) == value


def test_expand() -> None:
    assert expand("/v1/users", {}) == "/v1/users"
    assert expand("/v1/users/{user_id}/keys/{key_id}", {"key_id": "{user_id}", "user_id": "a/b"}) == (
        "/v1/users/a%2Fb/keys/%7Buser_id%7D"
    )
    with pytest.raises(KeyError, match="job_id"):
        expand("/v1/jobs/{job_id}", {})


@pytest.mark.parametrize(
    ("url", "origin", "text"),
    [
        ("https://api.example/v1", Origin("https", "api.example", 443), "https://api.example"),
        ("HTTPS://API.Example:443?x", Origin("https", "api.example", 443), "https://api.example"),
        ("http://localhost:8000", Origin("http", "localhost", 8000), "http://localhost:8000"),
        ("https://[0:0::1]:8443/", Origin("https", "::1", 8443), "https://[::1]:8443"),
        ("https://10.0.0.1", Origin("https", "10.0.0.1", 443), "https://10.0.0.1"),
        ("https://Bücher.example", Origin("https", "xn--bcher-kva.example", 443), "https://xn--bcher-kva.example"),
        ("https://faß.de", Origin("https", "xn--fa-hia.de", 443), "https://xn--fa-hia.de"),
        ("wss://api.example", Origin("wss", "api.example", 443), "wss://api.example"),
        ("https://a_b.example.:", Origin("https", "a_b.example.", 443), "https://a_b.example."),
    ],
)
def test_origin(url: str, origin: Origin, text: str) -> None:
    assert Origin.of(url) == origin
    assert str(origin) == text
    assert Origin.of(text) == origin


NO_ORIGIN = [
    "",
    "api.example",
    "/v1/jobs",
    "//api.example",
    "https://",
    "https:///v1",
    "https:api.example",
    "ftp://api.example",
    "javascript:alert(1)",
    "https://hunter2@api.example",
    "https://user:hunter2@api.example",
    "https://api.example\\@evil.example",
    "https://api.example\t.evil.example",
    "https://api.example\n",
    "https://api example",
    "https://api.example:0",
    "https://api.example:65536",
    "https://api.example:٣",
    "https://api.example:+1",
    "https://::1",
    "https://[::1",
    "https://[::1]evil.example",
    "https://evil.example[::1]",
    "https://[fe80::1%25eth0]",
    "https://[v1.a]",
    "https://256.1.1.1",
    "https://api%2eexample",
    "https://-api.example",
    "https://a\u2044b.example",
    "https://x\uff20y.example",
    "https://\ud800.example",
    "https://user:hunter2@[::1",
    "https://\u0301.example",
]


@pytest.mark.parametrize("url", ["https://hunter2@h.example", "https://u:hunter2@h.example:1"])
def test_a_password_in_a_url_is_called_one(url: str) -> None:
    with pytest.raises(ValueError, match="^the URL cannot hold a user name or password$"):
        Origin.of(url)


@pytest.mark.parametrize("url", NO_ORIGIN)
def test_a_url_without_a_clear_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="^the URL ") as caught:
        Origin.of(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not same_origin(url, url)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost", True),
        ("http://api.localhost:1", True),
        ("http://127.0.0.1", True),
        ("http://127.255.0.9", True),
        ("http://[::1]", True),
        ("http://localhost.evil.example", False),
        ("http://evillocalhost", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.1", False),
        ("http://0.0.0.0", False),
        ("http://[::2]", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert Origin.of(url).is_loopback is loopback
    if loopback:
        assert base_url(url, "/v1") == f"{url}/v1"
    else:
        with pytest.raises(ValueError, match="unencrypted; use https://, or pass allow_insecure=True"):
            base_url(url, "/v1")
        assert base_url(url, "/v1", allow_insecure=True) == f"{url}/v1"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("https://h.example/a", "https://H.EXAMPLE:443/b?c#d", True),
        ("https://bücher.example", "https://xn--bcher-kva.example", True),
        ("https://[::1]", "https://[0:0:0:0:0:0:0:1]", True),
        ("https://h.example", "http://h.example", False),
        ("https://h.example", "https://h.example:8443", False),
        ("https://h.example", "https://h.example.evil.example", False),
        ("https://h.example", "https://h.example.", False),
        ("https://h.example", "https://h.example@evil.example", False),
        ("https://h.example", "https://x@h.example", False),
        ("https://faß.de", "https://fass.de", False),
        ("https://h.example", "wss://h.example", False),
    ],
)
def test_same_origin(a: str, b: str, same: bool) -> None:
    assert same_origin(a, b) is same
    assert same_origin(b, a) is same
