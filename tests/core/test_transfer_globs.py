"""A pattern means what users of rsync and of ignore files expect."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from vantage_sdk.core.transfer.globs import Filter

MATCHES = [
    ("*.csv", ["a.csv", ".csv", "x/y/a.csv", "old.csv/inside"], ["a.CSV", "a.csv.gz", "a"]),
    ("data", ["data", "data/x", "x/data", "x/data/y/z"], ["data2", "mydata/x"]),
    ("data/", ["data/x", "x/data/y/z"], ["data", "x/data"]),
    ("/data", ["data", "data/x"], ["x/data", "x/data/y"]),
    ("./data", ["data", "data/x"], ["x/data"]),
    ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc", "a/x/b"]),
    ("a/*.csv", ["a/x.csv", "a/.csv"], ["a/b/x.csv", "x/a/y.csv"]),
    ("a/*/c", ["a/b/c", "a/b/c/d"], ["a/c", "a/b/b/c"]),
    ("a/**", ["a/b", "a/b/c"], ["a", "ab", "x/a/b"]),
    ("**/a", ["a", "x/a", "x/y/a", "a/x"], ["xa", "x/ya"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab", "axb", "x/a/b"]),
    ("a/**/**/b", ["a/b", "a/x/b"], ["ab"]),
    ("**/**/a", ["a", "x/y/a"], ["xa"]),
    ("a/**.csv", ["a/x.csv", "a/b/c/x.csv"], ["x/a/y.csv", "a/x"]),
    ("a**b/c", ["ab/c", "axb/c", "ax/yb/c"], ["ab", "xab/c"]),
    ("a**/b", ["a/b", "ax/b", "a/x/b", "ax/y/b"], ["ab", "x/a/b"]),
    ("**", ["a", "a/b"], []),
    ("*", ["a", "a/b", ".hidden"], []),
    ("**/", ["a/b", "a/b/c"], ["a"]),
    ("***", ["a", "a/b"], []),
    ("?", ["a", "é", "x/a", "a/xx"], ["ab"]),
    ("a?b/c", ["axb/c"], ["a/b/c", "ab/c"]),
    ("[a-cx]", ["a", "b", "x"], ["d", "-", "ab"]),
    ("[!a-c]", ["d", "-"], ["a", "b"]),
    ("[^a-c]", ["d"], ["a"]),
    ("a[!x]b/c", ["ayb/c"], ["axb/c", "a/b/c"]),
    ("[]]", ["]"], ["[]]"]),
    ("[!]]", ["x"], ["]"]),
    ("[]-a]", ["]", "^", "a"], ["b"]),
    ("[a-]", ["a", "-"], ["b"]),
    ("[-a]", ["a", "-"], ["b"]),
    ("[z-a]", [], ["a", "z", "m"]),
    ("[*]", ["*"], ["a"]),
    ("[!]", ["!"], ["a"]),
    ("[]", ["[]"], ["a"]),
    ("[ab", ["[ab"], ["a"]),
    ("a[b/c]d", ["a[b/c]d"], ["abd"]),
    ("a.b+c(d)$", ["a.b+c(d)$"], ["axb+c(d)$"]),
    ("a\nb", ["a\nb"], ["ab"]),
    ("!a", ["!a"], ["a"]),
    ("e\u0301*", ["é", "éa", "e\u0301a"], ["e"]),
    ("?.csv", ["e\u0301.csv"], []),
]


@pytest.mark.parametrize(("pattern", "named", "others"), MATCHES, ids=[pattern for pattern, _, _ in MATCHES])
def test_a_pattern(pattern: str, named: list[str], others: list[str]) -> None:
    include, exclude = Filter([pattern], None), Filter(None, [pattern])
    assert [path for path in named + others if include.admits(path)] == named
    assert [path for path in named + others if exclude.admits(path)] == others


def test_without_patterns_everything_takes_part() -> None:
    assert Filter(None, None).admits("a")
    assert not Filter(None, None).excludes_folder("a")


def test_an_empty_list_of_what_to_include_includes_nothing() -> None:
    assert not Filter([], None).admits("a")
    assert Filter(None, []).admits("a")


def test_exclude_wins() -> None:
    both = Filter(["*.csv", "data/"], ["tmp/", "*.bak"])
    paths = ["a.csv", "a.txt", "data/a.txt", "data/tmp/a.csv", "data/a.bak", "tmp"]
    assert [path for path in paths if both.admits(path)] == ["a.csv", "data/a.txt"]


def test_one_text_is_one_pattern() -> None:
    assert Filter("*.csv", None).admits("a.csv")
    assert not Filter("*.csv", None).admits("c")
    assert not Filter(None, "*.csv").admits("a.csv")
    assert Filter(("a", "b"), {"c": 1}.keys()).admits("b")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "folders", "others"),
    [
        ("data", ["data", "x/data", "data/x"], ["x", "data2"]),
        ("data/", ["data", "x/data", "data/x"], ["x"]),
        ("/data", ["data"], ["x/data"]),
        ("a/*", ["a", "a/b", "a/b/c"], ["b"]),
        ("a/**", ["a", "a/b"], ["b"]),
        ("a/*/", ["a/b"], ["a"]),
        ("a/**/x", ["a/x", "a/b/x"], ["a", "a/b"]),
        ("*.csv", ["x.csv"], ["x"]),
    ],
)
def test_a_folder_of_which_nothing_takes_part(pattern: str, folders: list[str], others: list[str]) -> None:
    both = Filter(None, pattern)
    assert [path for path in folders + others if both.excludes_folder(path)] == folders
    assert not any(both.admits(f"{path}/x") for path in folders)


@pytest.mark.parametrize("value", [3, b"*", [b"*"], [None], ["a", 1], True])
@pytest.mark.parametrize("name", ["include", "exclude"])
def test_only_text_is_a_pattern(value: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name} takes a pattern or several patterns as text, not "):
        Filter(**{"include": None, "exclude": None, name: value})


def test_patterns_that_are_mistakes() -> None:
    for pattern in ("", "/", "//"):
        with pytest.raises(ValueError, match=r"^exclude has the pattern '/*', which names nothing; leave it out$"):
            Filter(None, [pattern])
    with pytest.raises(ValueError, match=r"^include has a backslash in 'data\\\*\.csv'; write '/' between folders"):
        Filter("data\\*.csv", None)


@pytest.mark.parametrize("part", ["a*", "*a*", "**a", "**/a*/", "[ab]*", "?*", "*?"])
def test_no_pattern_takes_long(part: str) -> None:
    pattern = part * 60 + "b"
    for path in ("a" * 5000, "a/" * 2500, "ab" * 2500 + "/" + "a" * 100):
        assert not Filter([pattern + "x"], None).admits(path)


PARTS = st.sampled_from(["a", "b", "*", "**", "?", "/", "/**/", "[ab]", "[!a]"])
PATHS = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


def named(pattern: str, path: str) -> bool:
    """Say the same by trying everything."""
    body = pattern.rstrip("/")
    body = body.removeprefix("/") if "/" in body else f"**/{body}"
    whole = [] if pattern.endswith("/") else [path]
    above = [path[:place] for place, letter in enumerate(path) if letter == "/"]
    return any(fits(body, text, begins=True) for text in above + whole)


def fits(body: str, text: str, *, begins: bool) -> bool:
    if not body:
        return not text
    stars = len(body) - len(body.lstrip("*"))
    rest = body[stars:]
    if stars > 1 and begins and rest.startswith("/"):
        starts = [0, *(place + 1 for place, letter in enumerate(text) if letter == "/")]
        return any(fits(rest[1:], text[start:], begins=True) for start in starts)
    if stars:
        end = len(text) if stars > 1 else len(text.partition("/")[0])
        return any(fits(rest, text[start:], begins=False) for start in range(end + 1))
    taken = re.match(r"\[.*?\]|.", body)
    assert taken
    return bool(text) and takes(taken[0], text[0]) and fits(body[taken.end() :], text[1:], begins=body[0] == "/")


def takes(token: str, letter: str) -> bool:
    return letter in {"?": "abc", "[ab]": "ab", "[!a]": "bc"}.get(token, token)


@settings(deadline=None, max_examples=300)
@given(st.lists(PARTS, min_size=1, max_size=6).map("".join).filter(lambda text: text.strip("/")), PATHS)
def test_a_pattern_names_what_trying_everything_finds(pattern: str, path: str) -> None:
    assert Filter(pattern, None).admits(path) is named(pattern, path)
    if Filter(None, pattern).excludes_folder(path):
        assert named(pattern, f"{path}/c/d")
