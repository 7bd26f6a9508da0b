"""A secret shows nowhere but where it is revealed."""

from __future__ import annotations

import copy
import json
import pickle
import re
import traceback
import warnings
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings, strategies as st

from vantage_sdk.core.scrub import Secret, clean_key, printable, scrub

KEY = "vntg_abc123def456ghi789jkl"


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        (KEY, "vntg_abc1..."),
        ("x" * 21, "xxxxxxxxx..."),
        ("x" * 20, "***"),
        ("short", "***"),
        ("", "***"),
        ("a\x1b[31m" + "x" * 30, "***"),
        ("é" * 30, "***"),
    ],
)
def test_a_secret_shows_its_mask(value: str, mask: str) -> None:
    secret = Secret(value)
    assert secret.reveal() == value
    assert str(secret) == f"{secret}" == format(secret) == secret.mask == mask
    assert repr(secret) == f"{secret!r}" == f"<Secret {mask}>"
    assert f"{secret:>20}" == mask.rjust(20)


def test_a_secret_has_no_other_way_out() -> None:
    secret = Secret(KEY)
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        iter(secret)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled: let the other process read the key"):
            pickle.dumps({"key": secret}, protocol)
    with pytest.raises(TypeError, match="cannot be pickled"):
        secret.__getstate__()


@pytest.mark.parametrize("value", [None, 3, b"key", Secret("key")])
def test_a_secret_takes_text(value: Any) -> None:
    with pytest.raises(TypeError, match=f"^a Secret takes text, not {type(value).__name__}$"):
        Secret(value)


def test_a_secret_is_copied_as_itself() -> None:
    @dataclass
    class Settings:
        key: Secret

    secret = Secret(KEY)
    assert copy.copy(secret) is copy.deepcopy(secret) is asdict(Settings(secret))["key"] is secret
    assert KEY not in repr(Settings(secret))


def test_secrets_are_equal_by_value() -> None:
    assert Secret("é\ud800") == Secret("é\ud800")
    assert Secret(KEY) != Secret(KEY + "x")
    assert Secret(KEY) != KEY
    one, other = Secret(KEY), Secret(KEY)
    assert len({one: 1, other: 2}) == 2
    assert {one: 1}[one] == 1


def test_a_good_key_is_kept_as_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clean_key(KEY, "api_key").reveal() == KEY
        assert clean_key("a b:c~!", "cookie").reveal() == "a b:c~!"


@pytest.mark.parametrize("text", [KEY + "\n", " " + KEY, f"\t{KEY}\r\n", KEY + "\u00a0"])
def test_white_space_around_a_key_is_dropped_with_a_warning(text: str) -> None:
    with pytest.warns(UserWarning, match="^api_key has white space around it, which is left out$") as caught:
        assert clean_key(text, "api_key").reveal() == KEY
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("hunter2\nhunter2", "contains a line break"),
        ("hunter2\rhunter2", "contains a line break"),
        ("hunter2\thunter2", "contains a tab"),
        ("hunter2\0", "contains a control character"),
        ("hunter2\x7f", "contains a control character"),
        (" hunter2\x1b[0m ", "contains a control character"),
        ("hunter2é", "contains a character that is not ASCII"),
        ("hunter2\u200b", "contains a character that is not ASCII"),
        ("hunter2\ud800", "contains a character that is not ASCII"),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^api_key {problem}; pass the key") as caught:
        clean_key(text, "api_key")
    report = "".join(traceback.format_exception_only(caught.value))
    assert "hunter2" not in report
    assert "é" not in report


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_key_or_a_value_error(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            key = clean_key(text, "api_key").reveal()
        except ValueError as error:
            assert str(error).startswith("api_key ")
            return
    assert key
    assert key.isascii()
    assert key.isprintable()
    assert key in text


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent-encoded": lambda value: quote(value, safe=""),
    "percent-encoded but slashes": quote,
    "form-encoded": quote_plus,
    "percent-encoded in lower case": lambda value: re.sub("%..", lambda code: code[0].lower(), quote(value, safe="")),
    "repr": lambda value: repr(value)[1:-1],
    "JSON": lambda value: json.dumps(value)[1:-1],
    "base64": lambda value: b64encode(value.encode()).decode(),
    "base64 without padding": lambda value: b64encode(value.encode()).decode().rstrip("="),
    "base64 for URLs": lambda value: urlsafe_b64encode(value.encode()).decode(),
}
VALUES = [KEY, "p/w?d+&=é'\"\\\n%", "pa ss/wörd>>>???~~~-long-enough-to-mask", "sixsix"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("value", VALUES)
def test_every_spelling_is_replaced(value: str, spelling: str) -> None:
    secret, written = Secret(value), SPELLINGS[spelling](value)
    for text in (written, f"key={written}&x", f"({written}{written})", f"a\n{written}\nb"):
        clean = scrub(text, [secret])
        assert clean == text.replace(written, secret.mask)
        assert written not in clean


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
@pytest.mark.parametrize("value", VALUES)
def test_a_password_in_basic_credentials_is_replaced(user: str, value: str) -> None:
    token = b64encode(f"{user}:{value}:".encode()).decode()
    clean = scrub(f"Authorization: Basic {token}", [Secret(value)])
    assert clean != f"Authorization: Basic {token}"
    kept = clean.removeprefix("Authorization: Basic ").split(Secret(value).mask)
    assert len("".join(kept)) <= len(token) - len(value.encode()) * 4 // 3 + 2


def test_short_secrets_are_replaced_too() -> None:
    assert scrub("pin 12, code abc", [Secret("12"), Secret("abc"), Secret("")]) == "pin ***, code ***"


def test_a_secret_within_another_is_replaced_with_it() -> None:
    assert scrub(f"a {KEY} b", [Secret("abc123"), Secret(KEY)]) == "a vntg_abc1... b"
    assert scrub(f"a {KEY} b abc1", [Secret("abc1"), Secret(KEY)]) == "a *** b ***"


def test_text_without_secrets_is_kept() -> None:
    assert scrub("nothing here", [Secret(KEY)]) == "nothing here"
    assert scrub(KEY, []) == KEY


LONG_ENOUGH = st.text(st.characters(codec="ascii", exclude_characters="*"), min_size=4, max_size=40)


@settings(deadline=None)
@given(st.lists(LONG_ENOUGH, min_size=1, max_size=3), st.lists(st.text(max_size=5), min_size=3, max_size=3))
@example(["0000", "0000000000000000000000000"], ["", "", ""])
def test_no_secret_survives(values: list[str], between: list[str]) -> None:
    text = "".join(gap + value for gap, value in zip(between, values, strict=False))
    clean = scrub(text, [Secret(value) for value in values])
    assert not any(value in clean for value in values)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mx\x1b[?25l\x1b[2J\x1b[1 q", "x"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;title\x9cx", "x"),
        ("\x1bPq#0\x1b\\x\x1b^pm\x1b\\\x1b_apc\x1b\\\x1bXsos\x1b\\", "x"),
        ("\x1b]0;no end", "0;no end"),
        ("\x1b]0;line\nnext\x07", "0;line\nnext"),
        ("\x1bc\x1b(B\x1b7\x1b=x", "x"),
        ("\x1b\x1b[31mx", "x"),
        ("\x1b\x1b\x1b", ""),
        ("\x1b[31", "31"),
        ("a\rb\x08c\x00d\x7fe\x85f\x9fg", "abcdefg"),
        ("line\r\n", "line\n"),
        ("é😀\u00a0\u2028", "é😀\u00a0\u2028"),
    ],
)
def test_printable(text: str, clean: str) -> None:
    assert printable(text) == clean


@settings(deadline=None)
@given(st.text(st.sampled_from("\x1b[]P\\;?0m\x07\x9b\x9c\x9d\t\n\rab ")) | st.text())
def test_nothing_printable_steers_a_terminal(text: str) -> None:
    clean = printable(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0 for c in clean)
    assert printable(clean) == clean


def test_many_unfinished_sequences_are_read_once() -> None:
    assert printable("\x9d" * 200_000 + "\x1b]" * 200_000 + "\x1b[" * 200_000) == ""
