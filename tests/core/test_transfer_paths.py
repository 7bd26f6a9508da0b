"""A remote path is one that every server understands; a remote name becomes a file that every system can hold."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import example, given, settings, strategies as st

from vantage_sdk.core.transfer.paths import (
    below,
    is_path,
    refusals,
    relative_to,
    remote_folder,
    remote_path,
    safe_text,
    unfit,
)


@pytest.mark.parametrize(
    "path", ["/a", "/a/b.csv", "/...", "/.hidden/..x", "/a b/c:d", "/é/日本", f"/{'x' * 255}", "/" + "x/" * 511 + "y"]
)
def test_a_remote_path_stays_as_it_is(path: str) -> None:
    assert remote_path(path) == path
    assert remote_folder(path) == path
    assert remote_folder(f"{path}/"[:1024]) == path
    assert unfit(path[1:]) is None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "must begin with '/'"),
        ("a/b", "must begin with '/'"),
        ("file_1", "must begin with '/'"),
        ("//a", "has an empty segment; write one '/'"),
        ("/a//b", "has an empty segment"),
        ("/a//", "has an empty segment"),
        ("/.", "has a '.' or '..' segment"),
        ("/a/../b", "has a '.' or '..' segment"),
        ("/a/./b", "has a '.' or '..' segment"),
        ("/a\nb", "contains a control character"),
        ("/a\0", "contains a control character"),
        ("/a\x7f", "contains a control character"),
        ("/a\x9b31m", "contains a control character"),
        ("/a\ud800", "is not valid Unicode"),
        (f"/{'x' * 256}", "has a segment of more than 255 bytes"),
        (f"/{'é' * 128}", "has a segment of more than 255 bytes"),
        ("/" + "x/" * 511 + "yz", "has more than 1024 bytes"),
    ],
)
def test_other_remote_paths_are_refused(path: str, message: str) -> None:
    for check in (remote_path, remote_folder):
        with pytest.raises(ValueError, match="^to ") as caught:
            check(path, "to")
        assert str(caught.value).startswith(f"to {message}")
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200


def test_a_file_has_a_name_and_a_folder_needs_none() -> None:
    for path in ("/", "/a/"):
        with pytest.raises(ValueError, match=r"^remote_path ends with '/', which names a folder; add the name"):
            remote_path(path)
    assert remote_folder("/") == "/"
    assert remote_folder("/a/b/") == "/a/b"


@pytest.mark.parametrize("value", [None, 3, b"/a", ["/a"]])
def test_only_text_is_a_remote_path(value: Any) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=f"^remote_path takes text, not {kind}$"):
        remote_path(value)
    with pytest.raises(TypeError, match=f"^remote_dir takes text, not {kind}$"):
        remote_folder(value)


def test_paths_and_ids() -> None:
    assert is_path("/a")
    assert not is_path("file_1")
    assert not is_path("")


@pytest.mark.parametrize("folder", ["/", "/a", "/a/", "/a/b"])
@pytest.mark.parametrize("relative", ["x", "x/y.csv", "..", "/x"])
def test_below_and_back(folder: str, relative: str) -> None:
    path = below(folder, relative)
    assert path == f"{folder.rstrip('/')}/{relative}"
    assert relative_to(path, folder) == relative


@pytest.mark.parametrize(("path", "folder"), [("/a", "/a"), ("/a/", "/a"), ("/ab/c", "/a"), ("/b", "/a"), ("/", "/")])
def test_what_is_not_below(path: str, folder: str) -> None:
    assert relative_to(path, folder) is None


SAFE = [
    "a",
    "a/b.csv",
    ".hidden",
    "...x",
    "a b",
    "con1",
    "com",
    "COM10",
    "lpt0",
    "auxiliary.txt",
    "x.con",
    "日本/é",
    "a~1",
]
SAFE += ["x" * 255, "é" * 127, "/".join(["x" * 99] * 40), " a"]


@pytest.mark.parametrize("name", SAFE)
def test_a_safe_name(name: str) -> None:
    assert refusals([name]) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("/", "is an absolute path"),
        ("/etc/passwd", "is an absolute path"),
        ("//server/share", "is an absolute path"),
        ("..", "has the segment '..', which leads elsewhere"),
        ("../x", "has the segment '..'"),
        ("a/../../x", "has the segment '..'"),
        ("a/..", "has the segment '..'"),
        (".", "has the segment '.'"),
        ("a/./b", "has the segment '.'"),
        ("a//b", "has an empty segment"),
        ("a/", "has an empty segment"),
        ("C:", "begins with a drive"),
        ("c:/x", "begins with a drive"),
        ("C:x", "begins with a drive"),
        ("\\\\server\\share", "contains a backslash"),
        ("..\\x", "contains a backslash"),
        ("a\\b", "contains a backslash"),
        ("a\0b", "contains a control character"),
        ("a\nb", "contains a control character"),
        ("a\x1b[2J", "contains a control character"),
        ("a\x85", "contains a control character"),
        ("a\ud800", "is not valid Unicode"),
        ("file.txt:stream", "contains :"),
        *[(f"aa{sign}b", f"contains {sign},") for sign in '<>:"|?*'],
        *[
            (name, "has the segment '")
            for name in (
                "CON",
                "con",
                "a/Nul.txt",
                "AUX.tar.gz/x",
                "prn",
                "com1",
                "LPT9.x",
                "COM¹",
                "lpt³.txt",
                "CON .x",
            )
        ],
        ("CONIN$", "has the segment 'CONIN$', which is a device"),
        ("conout$.txt", "has the segment 'conout$.txt', which is a device"),
        ("a.", "has a segment that ends with a dot or a space"),
        ("PRN.", "has a segment that ends with a dot or a space"),
        ("a /b", "has a segment that ends with a dot or a space"),
        ("...", "has a segment that ends with a dot or a space"),
        ("x" * 256, "has a segment of more than 255 bytes"),
        ("a/" + "é" * 128, "has a segment of more than 255 bytes"),
        ("x/" * 2048 + "y", "has more than 4096 bytes"),
    ],
)
def test_a_name_that_must_not_become_a_file(name: str, reason: str) -> None:
    (refused,) = refusals(["ok", name])
    assert refused.name == name
    assert refused.reason.startswith(reason)
    assert refused.reason.isprintable()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "A"),
        ("dir/Straße", "dir/STRASSE"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("Å", "\u212b"),
        ("K", "\u212a"),
        ("σ", "ς"),
        ("ı", "i"),
        ("a\u200cb", "AB"),
        ("\u1fb3", "\u03b1\u0345"),
    ],
)
def test_names_that_some_system_takes_for_the_same(one: str, other: str) -> None:
    first, second = refusals(["between", one, other])
    assert (first.name, second.name) == (one, other)
    assert f"'{safe_text(other)}' only in case or Unicode form" in first.reason
    assert f"'{safe_text(one)}' only in case or Unicode form" in second.reason
    assert refusals([one]) == refusals([one, one]) == []


def test_folders_that_some_system_takes_for_the_same() -> None:
    found = refusals(["Data/x", "data/y", "data/z/q", "other/x"])
    assert [(one.name, one.reason) for one in found] == [
        ("Data/x", "is in a folder that differs from 'data' only in case or Unicode form"),
        ("data/y", "is in a folder that differs from 'Data' only in case or Unicode form"),
        ("data/z/q", "is in a folder that differs from 'Data' only in case or Unicode form"),
    ]
    assert refusals(["Data/x", "data/y"], folder_clash=False) == []
    assert [one.name for one in refusals(["Data/x", "data/X"], folder_clash=False)] == ["Data/x", "data/X"]


def test_a_file_where_a_folder_is_needed() -> None:
    for folder in ("a", "A"):
        (refused,) = refusals(["a", f"{folder}/b/c"], folder_clash=False)
        assert refused.name == "a"
        assert refused.reason == f"is a file where other names need the folder '{folder}'"


def test_a_refused_name_is_in_nobodys_way() -> None:
    assert [one.name for one in refusals(["a", "A/b?"])] == ["A/b?"]


def test_each_name_has_one_reason() -> None:
    assert [one.name for one in refusals(["C:\\..\\con", "../a?", "a ", "a "])] == ["C:\\..\\con", "../a?", "a "]


def test_many_names_of_one_spelling_are_told_apart_quickly() -> None:
    names = ["".join(letters) for letters in zip(*["aA" * 64] * 8, strict=True)]
    names += [f"{'a' * place}A{'a' * (200 - place)}/{'x/' * 100}f" for place in range(200)]
    assert len(refusals(names)) == len(set(names))


NAMES = st.text(st.sampled_from("aAéÉe\u0301ßs\u200c/.. :\\\0\n\ud800ſKk\u212a\u0345αΑ"), max_size=12) | st.text(
    max_size=8
)


@settings(deadline=None)
@given(st.lists(NAMES, max_size=6))
@example(["\u0345", "ι"])
def test_what_is_left_is_distinct_on_every_system(names: list[str]) -> None:
    refused = {one.name for one in refusals(names)}
    left = {name for name in names if name not in refused}
    for fold in (str.lower, str.upper, str.casefold):
        for form in ("NFC", "NFD"):
            assert len({normalize(form, fold(normalize(form, name))) for name in left}) == len(left)
    assert all(part.strip(". ") for name in left for part in name.split("/"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b/é", "a b/é"),
        ("\x1b[2J\n", "\\x1b[2J\\n"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff", "\\udcff"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 77 + "..."),
        ("\0" * 80, "\\x00" * 19 + "\\..."),
    ],
)
def test_safe_text(name: str, shown: str) -> None:
    assert safe_text(name) == shown


@given(st.text())
def test_safe_text_is_safe(name: str) -> None:
    shown = safe_text(name)
    assert len(shown) <= 80
    assert shown.isprintable()
    shown.encode()
