"""The headers of a delivery in every form that frameworks give them, and never twice."""

from __future__ import annotations

import io
from email.message import Message
from http.client import parse_headers
from types import MappingProxyType
from typing import Any
from wsgiref.headers import Headers as WsgiHeaders

import httpx
import pytest
from hypothesis import given, strategies as st
from starlette.datastructures import Headers as StarletteHeaders

from tests.sdk.test_webhook import BODY, HEADERS, at, refused

PAIRS = [*HEADERS.items()]
RAW = [(name.encode(), value.encode()) for name, value in PAIRS]


def message(pairs: list[tuple[str, str]]) -> Message:
    """Return headers as ``http.server`` has them."""
    text = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return parse_headers(io.BytesIO(f"{text}\r\n".encode("latin-1")))


def environment(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a WSGI environment, which Django calls ``META``; a server joins repeated headers with a comma."""
    found: dict[str, Any] = {"wsgi.input": io.BytesIO(), "CONTENT_TYPE": "application/json", "wsgi.version": (1, 0)}
    for name, value in pairs:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


FORMS: dict[str, Any] = {
    "dict": dict,
    "pairs": list,
    "tuples": tuple,
    "iterator": iter,
    "lists": lambda pairs: [[name, value] for name, value in pairs],
    "mapping": lambda pairs: MappingProxyType(dict(pairs)),
    "items": lambda pairs: dict(pairs).items(),
    "asgi": lambda pairs: [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
    "bytes dict": lambda pairs: {name.encode(): value.encode() for name, value in pairs},
    "http.server": message,
    "wsgi": environment,
    "wsgiref": lambda pairs: WsgiHeaders([*pairs]),
    "starlette": lambda pairs: StarletteHeaders(raw=[(n.lower().encode(), v.encode("latin-1")) for n, v in pairs]),
    "httpx": httpx.Headers,
}
KEEP_REPEATS = FORMS.keys() - {"dict", "mapping", "items", "bytes dict", "httpx"}
CASES = (str.lower, str.upper, str.title, lambda name: "".join(c.upper() if i % 2 else c for i, c in enumerate(name)))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", FORMS)
def test_headers_come_in_any_form_and_case(form: str, case: Any) -> None:
    pairs = [("Host", "h"), *((case(name), value) for name, value in PAIRS), ("X-Other", "1"), ("X-Other", "2")]
    assert at().unwrap(BODY, FORMS[form](pairs)).webhook_id == "msg_1"


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("form", sorted(KEEP_REPEATS))
@pytest.mark.parametrize("other", [True, False], ids=["another value", "the same value"])
def test_a_repeated_header_is_refused(form: str, name: str, other: bool) -> None:
    again = {"webhook-id": "msg_2", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}[name]
    pairs = [*PAIRS, (name.upper(), again if other else HEADERS[name])]
    assert HEADERS[name] not in str(
        refused(name[8:] if form != "wsgi" else _joined(name), at(), headers=FORMS[form](pairs))
    )


def _joined(name: str) -> str:
    """Return what fails when a framework has joined repeated headers, so that nobody can count them any more."""
    return "timestamp" if name == "webhook-timestamp" else "signature"


@pytest.mark.parametrize("name", HEADERS)
def test_repeated_headers_that_were_joined_with_a_space_are_malformed(name: str) -> None:
    refused(name[8:], at(), headers=httpx.Headers([*PAIRS, (name, HEADERS[name])]))


def test_two_spellings_of_one_name_are_two_headers() -> None:
    refused("id", at(), headers={**HEADERS, "Webhook-Id": "msg_1"})
    refused("id", at(), headers={**HEADERS, b"webhook-id": b"msg_1"})
    refused("id", at(), headers={**HEADERS, "HTTP_WEBHOOK_ID": "msg_1"})


@pytest.mark.parametrize(
    "name", ["webhoo\u212a-id", "webhook\u2010id", "webhook_id", " webhook-id", "x-webhook-id", 7, None]
)
def test_another_name_is_another_header(name: Any) -> None:
    rest = {key: value for key, value in HEADERS.items() if key != "webhook-id"}
    refused("id", at(), headers={**rest, name: "msg_1"})
    assert at().unwrap(BODY, {**HEADERS, name: "msg_2"})


def test_spaces_around_a_value_are_no_part_of_it() -> None:
    assert at().unwrap(BODY, {name: f" {value}\t" for name, value in PAIRS})


@pytest.mark.parametrize("headers", [None, 3, "webhook-id", b"webhook-id", [1, 2], [("a", "b", "c")], [("a",)]])
def test_what_are_no_headers_is_a_mistake_of_the_caller(headers: Any) -> None:
    with pytest.raises(TypeError, match="headers takes a mapping or pairs of name and value"):
        at().unwrap(BODY, headers)


texts = st.text(max_size=20) | st.binary(max_size=20)
values = texts | st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=2)
names = st.sampled_from([*HEADERS, *(name.encode() for name in HEADERS)]) | texts


@given(st.lists(st.tuples(names, values), max_size=8), st.text(max_size=50) | st.binary(max_size=50))
def test_anything_at_all_is_refused_by_our_own_error(pairs: list[tuple[Any, Any]], body: Any) -> None:
    with pytest.raises(Exception) as caught:
        at().unwrap(body, pairs)
    assert type(caught.value).__name__ == "WebhookVerificationError"
