"""A job file means what it looks like, or is refused with the place and the way out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings, strategies as st

from vantage_sdk.core.job_file import MAX_BYTES, MAX_DEPTH, MAX_NODES, JobFileError, load_job_file

JOB = """\
# trains a model
name: train-resnet50
image: "python:3.11"
command: [python, -c, 'print("no")']
resources: {cpu: 2, memory: 8Gi, gpu: 0x2}
rate: 1.5
small: 1.0e-3
half: .5
offset: -3
retry: true
parent: ~
other: null
nothing:
text: "no"
time: '12:30:00'
script: |
  echo 010
  yes
env:
  ONE: "1"
  "on": a
"""


def test_a_job_file() -> None:
    assert load_job_file(JOB.encode(), "job.yaml") == {
        "name": "train-resnet50",
        "image": "python:3.11",
        "command": ["python", "-c", 'print("no")'],
        "resources": {"cpu": 2, "memory": "8Gi", "gpu": 2},
        "rate": 1.5,
        "small": 0.001,
        "half": 0.5,
        "offset": -3,
        "retry": True,
        "parent": None,
        "other": None,
        "nothing": None,
        "text": "no",
        "time": "12:30:00",
        "script": "echo 010\nyes\n",
        "env": {"ONE": "1", "on": "a"},
    }


def refusal(text: str | bytes, name: str = "dir/job.yaml") -> str:
    with pytest.raises(JobFileError) as caught:
        load_job_file(text.encode() if isinstance(text, str) else text, name)
    message = str(caught.value)
    assert message.startswith(f"{name}:")
    assert len(message) < 300
    assert caught.value.__cause__ is None
    return message.removeprefix(f"{name}:")


@pytest.mark.parametrize(
    "value",
    ["no", "yes", "on", "off", "No", "YES", "oN", "12:30:00", "1:30", "01:00:00", "190:20:30.15", "010", "-010", "08"]
    + ["0o17", "0b11", "-0x1F", "0x1_F", "1_000", "1_0.5", "1_", ".5_0", "2024-01-05", "2024-01-05T10:00:00Z"]
    + ["2024-1-5 10:00:00", "1e3", "1e-3", "1.5e3", "-.5", "+.5e+1", ".inf", "-.Inf", ".NaN", "=", "<<"],
)
def test_what_yaml_readers_disagree_about_must_be_quoted(value: str) -> None:
    for text, column in ((f"a: {value}", 4), (f"a: [{value}]", 5), (f"{value}: a", 1), (f"- {value}\n", 0)):
        message = refusal(text)
        if column:
            assert message.startswith(f"1:{column}: unquoted {value!r} ")
            assert "quote it" in message
    assert load_job_file(f"a: '{value}'".encode(), "job.yaml") == {"a": value}


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "1:1", "the file is empty"),
        ("# nothing\n", "1:1", "the file is empty"),
        ("---\n", "2:1", "top level must be a mapping"),
        ("- a\n", "1:1", "top level must be a mapping"),
        ("just text", "1:1", "top level must be a mapping"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' is on line 1 already"),
        ("x:\n  a: 1\n  'a': 2\n", "3:3", "the key 'a' is on line 2 already"),
        ("a: &x 1\n", "1:4", "anchors (&) and aliases (*)"),
        ("a: *x\n", "1:4", "anchors (&) and aliases (*)"),
        ("a: &x {b: *x}\n", "1:4", "anchors (&) and aliases (*)"),
        ("a: &x [1]\nb: {<<: *x}\n", "1:4", "anchors (&) and aliases (*)"),
        ("&x a: 1\n", "1:1", "anchors (&) and aliases (*)"),
        ("a: !!python/object/apply:os.system [id]\n", "1:4", "tags ('tag:yaml.org,2002:python/object/apply:os."),
        ("a: !mine {}\n", "1:4", "tags ('!mine')"),
        ("a: !!str 1\n", "1:4", "tags ("),
        ("a: ! 1\n", "1:4", "tags ('!')"),
        ("!!map\na: 1\n", "1:1", "tags ("),
        ("1: a\n", "1:1", "a key must be text"),
        ("true: a\n", "1:1", "a key must be text"),
        ("~: a\n", "1:1", "a key must be text"),
        ("?\n: a\n", "1:2", "a key must be text"),
        ("[a]: b\n", "1:1", "a key must be text"),
        ("? {a: b}\n: c\n", "1:3", "a key must be text"),
        ("a: [1\n", "2:1", "no valid YAML"),
        ("a: b: c\n", "1:5", "no valid YAML"),
        ("a:\n\tb: c\n", "2:1", "no valid YAML"),
        ('a: "\\U99999999"\n', "1:7", "no valid YAML: a number is out of range"),
        ('a: "\\ud800"\n', "1:4", "half of a surrogate pair"),
        ("a: b\x00\n", "1:5", "U+0000 is not allowed"),
        ("a: 1\nb: é\x1b[0m\n", "2:5", "U+001B is not allowed"),
        (b"a: 1\nb: caf\xe9\n", "2:7", "not UTF-8"),
        ("a: 1".encode("utf-16"), "1:1", "not UTF-8"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", "1:9", "out of range"),
        ("a: " + "9" * 400, "1:4", "too large"),
        ("a: 1.0e+999", "1:4", "too large"),
        ("a:\n" + "".join(" " * n + "- \n" for n in range(1, 40)), "33:33", "more than 32 levels"),
        ("a: " + "[" * 2000 + "]" * 2000, "1:35", "more than 32 levels"),
        ("".join(f"k{n}: v\n" for n in range(6000)), "5000:8", "more than 10000 keys and values"),
    ],
)
def test_what_is_refused(text: str | bytes, place: str, problem: str) -> None:
    message = refusal(text)
    assert message.startswith(f"{place}: "), message
    assert problem in message
    assert re.search(r"; | must be ", message), "no way out"


def test_the_size_is_checked_before_anything_else() -> None:
    for name in ("job.yaml", "job.json"):
        assert refusal(b"\xff" * (MAX_BYTES + 1), name).startswith("1:1: the file has more than 1048576 bytes")
    assert load_job_file(b"a: 1\n#".ljust(MAX_BYTES, b" "), "job.yaml") == {"a": 1}


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    rows = [f"{c}: &{c} [*{p}, *{p}, *{p}, *{p}]" for p, c in zip("abcdefgh", "bcdefghi", strict=True)]
    assert refusal("\n".join(["a: &a [x, x]", *rows])).startswith("1:4: anchors")


def test_a_byte_order_mark_is_no_content() -> None:
    assert load_job_file(b"\xef\xbb\xbfa: 1", "job.yml") == {"a": 1}
    assert load_job_file(b'\xef\xbb\xbf{"a": 1}', "job.JSON") == {"a": 1}


def test_the_limits_can_be_reached() -> None:
    depth = "{a: " * MAX_DEPTH + "1" + "}" * MAX_DEPTH
    assert load_job_file(depth.encode(), "job.yaml") == load_job_file(depth.replace("a", '"a"').encode(), "job.json")
    wide = {f"k{n}": n for n in range(MAX_NODES // 2 - 1)} | {"last": None}
    with pytest.raises(JobFileError):
        load_job_file(json.dumps(wide).encode(), "job.json")
    del wide["last"]
    assert load_job_file(json.dumps(wide).encode(), "job.json") == load_job_file(yaml.dump(wide).encode(), "job.yaml")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"a": [1, 1.5e3, true, null, "no", "\\ud83d\\ude00 \\" {"]}', {"a": [1, 1500.0, True, None, "no", '😀 " {']}),
        ('{"a": {"a": {"b": 1}, "b": "a"}}', {"a": {"a": {"b": 1}, "b": "a"}}),
        ('{"10": "2024-01-05"}\n', {"10": "2024-01-05"}),
    ],
)  # fmt: skip
def test_json(text: str, data: dict[str, Any]) -> None:
    assert load_job_file(text.encode(), "job.json") == data


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "1:1", "no valid JSON"),
        ("a: 1", "1:1", "no valid JSON"),
        ('{"a": 1,}', "1:", "no valid JSON"),
        ('{"a": 01}', "1:8", "no valid JSON"),
        ('{"a": "b', "1:7", "no valid JSON"),
        ('{"a": "\\q"}', "1:", "no valid JSON"),
        ('{"a" 1 :2}', "1:6", "no valid JSON"),
        ("}{:", "1:1", "no valid JSON"),
        ("[1]", "1:1", "must be an object"),
        ('"a"', "1:1", "must be an object"),
        ('{"a": 1,\n "a": 2}', "2:2", "the key 'a' is there twice"),
        ('{"a": 1, "b": [{"x": 1, "\\u0078": 2}]}', "1:25", "the key 'x' is there twice"),
        ('{"a":\n [NaN]}', "2:3", "NaN is no JSON"),
        ('{"a": -Infinity}', "1:7", "-Infinity is no JSON"),
        ('{"a": 1e999}', "1:7", "too large"),
        ('{"a": ' + "9" * 5000 + "}", "1:7", "too large"),
        ('{"a": "\\ud800"}', "1:7", "half of a surrogate pair"),
        ('{"\\ud800": 1}', "1:2", "half of a surrogate pair"),
        ("[" * 100_000, "1:33", "more than 32 levels"),
        ('{"a":' * 100_000, "1:161", "more than 32 levels"),
        ("[" + "1," * 20_000, "1:20000", "more than 10000 keys and values"),
        (b'{"a": "\xff"}', "1:8", "not UTF-8"),
    ],
)
def test_what_is_refused_in_json(text: str | bytes, place: str, problem: str) -> None:
    message = refusal(text, "job.json")
    assert message.startswith(place), message
    assert problem in message


@pytest.mark.parametrize("name", ["job.json", "JOB.JSON"])
def test_the_name_tells_json_from_yaml(name: str) -> None:
    assert "no valid JSON" in refusal("a: 1", name)
    assert load_job_file(b"a: 1", "json") == {"a": 1}


def test_hostile_quoting_is_read_once() -> None:
    assert "no valid JSON" in refusal('"\\' * 200_000, "job.json")


KEYS = st.text(max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
DATA = st.recursive(SCALARS | KEYS, lambda data: st.lists(data, max_size=3) | st.dictionaries(KEYS, data, max_size=3))


@settings(deadline=None)
@given(st.dictionaries(KEYS, DATA, max_size=4))
def test_json_round_trip(data: dict[str, Any]) -> None:
    assert load_job_file(json.dumps(data).encode(), "job.json") == data


@settings(deadline=None)
@given(st.dictionaries(KEYS, DATA.filter(lambda data: "e" not in repr(data)), max_size=4))
def test_quoted_yaml_round_trip(data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=True).replace("\\/", "/")
    if "\\ud" not in text and not re.search(r"\de|e[-+]\d", text):  # JSON escapes astral characters in halves
        assert load_job_file(text.encode(), "job.yaml") == data


NUMBER = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
CORE_1_2 = (
    (type(None), re.compile(r"null|Null|NULL|~|")),
    (bool, re.compile(r"true|True|TRUE|false|False|FALSE")),
    (int, re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (float, re.compile(NUMBER + r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")),
)
PLAIN = st.one_of(
    st.from_regex(r"\A[-+]?[0-9a-fA-FxobTZ_.:eE+~-]{1,10}\Z"),
    st.from_regex(r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?)?\Z"),
    st.from_regex(r"\A[0-9]{1,2}(:[0-9]{1,2}){1,2}\Z"),
    st.from_regex(r"\A(?i:yes|no|on|off|y|n|true|null)\Z"),
    st.from_regex(r"\A[0-9_.eE+-]{1,8}\Z"),
)


@settings(deadline=None)
@given(PLAIN)
@example("0o17")
@example("+12e03")
@example("1_000")
def test_what_is_accepted_unquoted_is_the_same_in_yaml_1_1_and_1_2(value: str) -> None:
    try:
        mine = load_job_file(f"a: {value}\n".encode(), "job.yaml")["a"]
    except JobFileError:
        return
    assert yaml.safe_load(f"a: {value}\n") == {"a": mine}
    assert type(yaml.safe_load(f"a: {value}\n")["a"]) is type(mine)
    assert next((kind for kind, pattern in CORE_1_2 if pattern.fullmatch(value)), str) is type(mine) or value[0] == "-"


SNIPPETS = st.sampled_from(
    ["a", "b: ", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ",", "&x ", "*x", "!!t ", "'", '"', "\\", "|\n", ">", "#"]
    + ["%YAML 1.1\n", "---\n", "...\n", "? ", "\t", "\ufeff", "\\ud800", "\\x4", "1:2", "é", "\x85", "\x00", "NaN"]
)
FILES = st.lists(SNIPPETS, max_size=20).map("".join).map(str.encode) | st.binary(max_size=60)


@settings(deadline=None)
@given(FILES, st.sampled_from(["yaml", "json"]))
def test_any_bytes_give_a_mapping_or_the_documented_error(text: bytes, kind: str) -> None:
    try:
        data = load_job_file(text, f"job.{kind}")
    except JobFileError as error:
        assert re.match(rf"job\.{kind}:[0-9]+:[0-9]+: ", str(error))
        return
    assert all(isinstance(key, str) for key in data)
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
