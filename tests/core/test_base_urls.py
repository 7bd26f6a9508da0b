"""Base URLs as users give them, and links as servers give them."""

from __future__ import annotations

import random
import string
from enum import StrEnum

import httpx
import pytest
from hypothesis import assume, example, given, settings, strategies as st

from vantage_sdk.core.urls import Origin, base_url, resolve_link, same_origin

TRICKY = st.text(st.sampled_from("./\\%?#:;@ \t\n\x00\x7f\x85éß。／\ud800a2eF[]"), max_size=12)
TEXT = TRICKY | st.text(max_size=30)


class State(StrEnum):
    DONE = "done"


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
        assert str(error).startswith("base_url ")
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
