"""No value leaves its path segment, and no credential its origin."""

from __future__ import annotations

import random
import string
from enum import StrEnum
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import assume, example, given, settings, strategies as st

from vantage_sdk.core.urls import Origin, base_url, expand, resolve_link, same_origin, segment

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
        assert str(error).startswith("job_id ")  # noqa: PT017  both outcomes are right
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
def test_loopback(url: str, loopback: bool) -> None:  # noqa: FBT001
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
def test_same_origin(a: str, b: str, same: bool) -> None:  # noqa: FBT001
    assert same_origin(a, b) is same
    assert same_origin(b, a) is same


@pytest.mark.parametrize(
    ("text", "prefix", "url"),
    [
        ("https://h.example", "/v1", "https://h.example/v1"),
        ("  https://h.example/ \n", "/v1", "https://h.example/v1"),
        ("https://h.example/v1", "/v1", "https://h.example/v1"),
        ("https://h.example/v1//", "/v1", "https://h.example/v1"),
        ("https://h.example/api/v1", "/v1", "https://h.example/api/v1"),
        ("https://h.example/notv1", "/v1", "https://h.example/notv1/v1"),
        ("https://h.example/mount", "/api/v1", "https://h.example/mount/api/v1"),
        ("HTTPS://H.Example:443/Mount", "/v1", "https://h.example/Mount/v1"),
        ("https://h.example:8443", "", "https://h.example:8443"),
        ("http://localhost:8000/platform", "/v1", "http://localhost:8000/platform/v1"),
        ("https://bücher.example/ä b", "/v1", "https://xn--bcher-kva.example/%C3%A4%20b/v1"),
    ],
)
def test_base_url(text: str, prefix: str, url: str) -> None:
    assert base_url(text, prefix) == url
    assert base_url(url, prefix) == url


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "begin with https://"),
        ("h.example", "begin with https://"),
        ("localhost:8000", "begin with https://"),
        ("https:h.example", "begin with https://"),
        ("ftp://h.example", "begin with https://"),
        ("wss://h.example", "begin with https://"),
        ("https://", "no valid host"),
        ("https:///v1", "no valid host"),
        ("https://h example", "no valid host"),
        ("https://[::1", "no valid host"),
        ("https://h.example:99999", "invalid port"),
        ("https://user:hunter2@h.example", "user name or password"),
        ("https://hunter2@h.example", "user name or password"),
        ("user:hunter2@h.example", "user name or password"),
        ("hunter2://x@h.example", "user name or password"),
        ("https://user:hun/hunter2@h.example", "user name or password"),
        ("https://user:hunter2@[::1", "no valid host"),
        ("https://h.example?hunter2", "query or a fragment"),
        ("https://h.example/#", "query or a fragment"),
        ("https://h.example/\nhunter2", "control character"),
        ("https://h.example\\hunter2", "backslash"),
        ("https://h.example/a/../b", "'.' or '..'"),
        ("http://h.example", "unencrypted"),
    ],
)
def test_a_base_url_that_is_refused_says_why_and_keeps_secrets(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="^base_url ") as caught:
        base_url(text, "/v1")
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


PAGE = "https://h.example/mount/api/v1/results/1?limit=2"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/api/v1/results/1?page=2", "https://h.example/api/v1/results/1?page=2"),
        ("?page=2", "https://h.example/mount/api/v1/results/1?page=2"),
        ("2", "https://h.example/mount/api/v1/results/2"),
        ("../../../../../x", "https://h.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("https://H.example:443", "https://h.example/"),
        ("https://h.example?a=b", "https://h.example/?a=b"),
        ("HTTP://Other.example:80/x#part", "http://other.example/x#part"),
        ("/a b/é?q=ü&sig=a%2Fb+c==", "https://h.example/a%20b/%C3%A9?q=%C3%BC&sig=a%2Fb+c=="),
        ("//[::1]:80/x", "https://[::1]:80/x"),
        ("", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("wss://h.example/x", None),
        ("mailto:a@b.example", None),
        ("/\\evil.example", None),
        ("\\\\evil.example", None),
        ("/\t/evil.example", None),
        ("ht\ntps://evil.example", None),
        ("https://user@h.example/", None),
        ("https://[::1", None),
        ("https://h.example:x/", None),
    ],
)
def test_resolve_link(link: str, url: str | None) -> None:
    assert resolve_link(link, PAGE) == url
    if url is not None:
        target = url.removeprefix(str(Origin.of(url))).partition("#")[0]
        assert httpx.URL(url).raw_path.decode() == target


URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["https", "http", "HTTPS", "wss"]),
    st.sampled_from(["", "", "", "user@", "a:b@"]),
    st.sampled_from(["h.example", "H.Example", "[::1]", "[0::1]", "127.0.0.1", "bücher.example", "localhost"]) | TEXT,
    st.sampled_from(["", ":", ":443", ":80", ":8443", ":x"]),
    st.sampled_from(["", "/", "/v1"]) | TEXT,
)


@settings(deadline=None)
@given(URLS | TEXT)
@example("https://h\u3002example")
def test_an_origin_is_where_the_http_library_would_go(url: str) -> None:
    try:
        origin = Origin.of(url)
    except ValueError:
        assert not same_origin(url, url)
        return
    theirs = httpx.URL(url)
    assert theirs.scheme == origin.scheme
    assert Origin.of(f"x://{theirs.netloc.decode()}".replace("x:", f"{theirs.scheme}:", 1)) == origin
    assert same_origin(url, str(origin))


@settings(deadline=None)
@given(URLS | TEXT, st.sampled_from(["/v1", "/api/v1", ""]))
def test_any_text_is_a_base_url_or_a_value_error(text: str, prefix: str) -> None:
    try:
        url = base_url(text, prefix)
    except ValueError as error:
        assert str(error).startswith("base_url ")  # noqa: PT017
        return
    assert url.isascii()
    assert url.endswith(prefix)
    assert base_url(url, prefix) == url


@settings(deadline=None)
@given(URLS | TEXT)
def test_any_link_is_a_clean_url_or_nothing(link: str) -> None:
    url = resolve_link(link, PAGE)
    assume(url is not None)
    assert url is not None
    assert url.isascii()
    assert " " not in url
    assert resolve_link(url, PAGE) == url
    if same_origin(url, PAGE):
        assert url.startswith("https://h.example/")


@settings(deadline=None)
@given(st.integers())
def test_no_password_shows_in_any_message(seed: int) -> None:
    password = "".join(random.Random(seed).choices(string.ascii_letters + string.digits + "/?#[]:%", k=24))
    for text in (f"https://u:{password}@h.example", f"{password}@h.example", f"https://{password}@[::1"):
        with pytest.raises(ValueError, match="^base_url ") as caught:
            base_url(text, "/v1")
        assert password not in str(caught.value)
