"""Lines and events come out the same however the bytes are cut, and as the standards have them."""

from __future__ import annotations

import pickle
import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings, strategies as st

from vantage_sdk.core.lines import EventDecoder, LineDecoder, LineTooLong, ServerSentEvent

BOM = b"\xef\xbb\xbf"
PIECES = st.sampled_from(
    [b"\n", b"\r", b"\r\n", b"\n\n", b"", b"a", b"  ", BOM, "é€😀".encode(), b"\xe2\x82", b"\xff", b"\x00", b"\x0b"]
    + ["\u2028\x85\x1c".encode(), b"id: 17\ndata: x\n\n", b"id:", b"data", b":", b"data: ", b"event: e", b"retry: 25"]
)
STREAMS = st.lists(PIECES | st.binary(max_size=6), max_size=25).map(b"".join)
CUTS = st.lists(st.integers(0, 120), max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def lines_of(chunks: list[bytes], **options: int) -> list[str]:
    decoder = LineDecoder(**options)
    return [line for chunk in chunks for line in decoder.feed(chunk)] + decoder.flush()


def lines_by_the_book(data: bytes) -> list[str]:
    lines = re.split(b"\r\n|\r|\n", data.removeprefix(BOM))
    return [line.decode("utf-8", "replace") for line in (lines if lines[-1] else lines[:-1])]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"10%\r20%\r", ["10%", "20%"]),
        (b"a\r\r\nb", ["a", "", "b"]),
        (b"no end", ["no end"]),
        (BOM + b"a\n" + BOM + b"b", ["a", "\ufeffb"]),
        (BOM, []),
        (b"caf\xc3\xa9\n\xff\n", ["café", "\ufffd"]),
        (b"cut \xe2\x82", ["cut \ufffd"]),
        ("a\u2028b\x0bc\x85d\x1ce\r\nf".encode(), ["a\u2028b\x0bc\x85d\x1ce", "f"]),
    ],
)
def test_lines(data: bytes, lines: list[str]) -> None:
    assert lines_of([data]) == lines
    assert lines_of([bytes([byte]) for byte in data]) == lines


@settings(deadline=None)
@given(STREAMS, CUTS)
@example(b"a\r\nb", [2])
@example(BOM + b"a\n", [1, 2])
def test_any_cut_gives_the_same_lines(data: bytes, cuts: list[int]) -> None:
    assert lines_of(pieces(data, cuts)) == lines_by_the_book(data)


def test_a_line_comes_with_its_end() -> None:
    decoder = LineDecoder()
    assert decoder.feed(b"a\r") == ["a"]
    assert decoder.feed(b"\nb") == []
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\n") == ["b"]
    assert decoder.flush() == []


@settings(deadline=None)
@given(st.lists(st.binary(max_size=8).filter(lambda line: not re.search(rb"[\r\n]", line)), max_size=6), CUTS)
def test_a_line_beyond_the_bound_is_refused_at_every_cut(lines: list[bytes], cuts: list[int]) -> None:
    chunks = pieces(b"\n".join(lines), cuts)
    if max(map(len, lines), default=0) > 5:
        with pytest.raises(LineTooLong, match="longer than 5 bytes"):
            lines_of(chunks, max_line=5)
    else:
        lines_of(chunks, max_line=5)


def events_of(chunks: list[bytes], **options: int) -> tuple[list[ServerSentEvent], str, float | None]:
    decoder = EventDecoder(**options)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events, decoder.last_event_id, decoder.retry_seconds


def events_by_the_book(data: bytes) -> tuple[list[ServerSentEvent], str, float | None]:
    """The steps of the HTML standard, 9.2.6, one line at a time."""
    events: list[ServerSentEvent] = []
    kind, text, own_id, last_id, retry = "", "", None, "", None
    complete = re.split(b"\r\n|\r|\n", data.removeprefix(BOM))[:-1]
    for line in [line.decode("utf-8", "replace") for line in complete]:
        name, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            last_id = last_id if own_id is None else own_id
            if text:
                events.append(ServerSentEvent(kind or "message", text[:-1], own_id))
            kind, text, own_id = "", "", None
        elif name == "" and colon:
            pass
        elif name == "event":
            kind = value
        elif name == "data":
            text += value + "\n"
        elif name == "id" and "\0" not in value:
            own_id = value
        elif name == "retry" and re.fullmatch("[0-9]{1,10}", value):
            retry = int(value) / 1000
    return events, last_id, retry


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"id: 17\ndata: some log line\n\n", [("message", "some log line", "17")]),
        (b"id: 17\r\ndata: x\r\n\r\n", [("message", "x", "17")]),
        (b"id: 17\rdata: x\r\r", [("message", "x", "17")]),
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", None)]),
        (b": comment\n\ndata: a\nid: 1\n\ndata:b\nid\n\ndata:  c\n\n",
         [("message", "a", "1"), ("message", "b", ""), ("message", " c", None)]),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", None), ("message", "\n", None)]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", None)] * 2),
        (b"event: end\ndata: completed\n\n", [("end", "completed", None)]),
        (b"event:\ndata: a\n\n", [("message", "a", None)]),
        (b"event: lost\n\ndata: a\n\n", [("message", "a", None)]),
        (b"id: a\0b\ndata: c\n\n", [("message", "c", None)]),
        (b"id: 1\ndata: a\ndata: b\n\nid: 2\nevent: e\ndata: c\n\n", [("message", "a\nb", "1"), ("e", "c", "2")]),
        (b"DATA: a\nother: b\ndataset: c\n\n", []),
        (b"id: 1\ndata: a\n", []),
        (BOM + b"data: a\n\n" + BOM + b"data: b\n\n", [("message", "a", None)]),
        (b"data: a\n\n\n\n\ndata: b\n\n", [("message", "a", None), ("message", "b", None)]),
        (b"data: caf\xc3\xa9 \xff\n\n", [("message", "café \ufffd", None)]),
    ],
)  # fmt: skip
def test_events(data: bytes, events: list[tuple[str, str, str | None]]) -> None:
    found = events_of([data])
    assert found == events_by_the_book(data)
    assert found == events_of([bytes([byte]) for byte in data])
    assert found[0] == [ServerSentEvent(*event) for event in events]


@settings(deadline=None)
@given(STREAMS, CUTS)
@example(b"\n\nid: 1\ndata: a\n\n", [1])
@example(b"id: 1\ndata: a\n\nid: 2\n", [16])
@example(b"retry: 5\n", [4])
@example(b"data: aaaaaaaaaaaa\n\nretry: 5\n", [19])
@example(b"data: a\r\n\r\n\r\ndata: b\r\r", [10, 11])
def test_any_cut_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    assert events_of(pieces(data, cuts)) == events_by_the_book(data)


def test_an_event_comes_with_its_blank_line() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [ServerSentEvent("message", "a", None)]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"") == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3000", 3.0), ("0", 0.0), ("", None), ("1.5", None), ("-1", None), ("٣", None), ("9" * 11, None)],
)
def test_retry(value: str, seconds: float | None) -> None:
    assert events_of([f"retry: {value}\n\n".encode()])[2] == seconds
    assert events_of([f"retry: {value}\n".encode()])[2] == seconds
    assert events_of([f"retry: {value}".encode()])[2] is None


def test_the_last_id_is_that_of_the_last_complete_event() -> None:
    assert events_of([b"id: 1\n\nid: 2\ndata: cut"])[1] == "1"


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=5), CUTS)
def test_an_event_beyond_the_bound_is_refused_at_every_cut(sizes: list[int], cuts: list[int]) -> None:
    chunks = pieces(b"".join(b":" + b"x" * size + b"\n\n\n" for size in sizes), cuts)
    if max(sizes) + 1 > 8:
        with pytest.raises(LineTooLong, match="longer than 8 bytes"):
            events_of(chunks, max_event=8)
    else:
        events_of(chunks, max_event=8)


def test_an_event_without_end_is_refused() -> None:
    decoder = EventDecoder(max_event=100)
    with pytest.raises(LineTooLong):
        for _ in range(51):
            decoder.feed(b":\n")


def test_an_event_is_a_value() -> None:
    event = ServerSentEvent("message", "a", "1")
    assert event == ServerSentEvent(event="message", data="a", id="1")
    assert {event: 1}[pickle.loads(pickle.dumps(event))] == 1
    assert repr(event) == "ServerSentEvent(event='message', data='a', id='1')"
    with pytest.raises(AttributeError):
        event.data = "b"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(event, "__dict__")


def _either_way(data: bytes, cuts: list[int]) -> tuple[list[ServerSentEvent], str]:
    decoder, events = EventDecoder(), list[ServerSentEvent]()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        numbered = decoder.numbered(data[start:end])
        if numbered is None:
            events += decoder.feed(data[start:end])
        else:
            events += [ServerSentEvent("message", line, str(n)) for n, line in enumerate(numbered[1], numbered[0])]
    return events, decoder.last_event_id


_NUMBERED_STREAM = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=8).map(
    lambda lines: b"".join(b"id: %d\ndata: %b\n\n" % (n, line.encode()) for n, line in enumerate(lines, 7))
)
_OTHER = st.sampled_from(
    [b": alive\n\n", b"data: x\n\n", b"id: 9\ndata: x\n\n", b"event: end\ndata: y\n\n", b"id: 07\ndata: z\n\n"]
)


@given(
    st.lists(_NUMBERED_STREAM | _OTHER | st.binary(max_size=8), max_size=4).map(b"".join),
    st.lists(st.integers(0, 300), max_size=5),
)
def test_the_short_way_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    decoder = EventDecoder()
    assert _either_way(data, cuts) == (decoder.feed(data), decoder.last_event_id)


def test_the_short_way_obeys_retry() -> None:
    decoder = EventDecoder()
    assert decoder.numbered(b"id: 1\ndata: a\n\nretry: 5\n") == (1, ["a"])
    assert decoder.retry_seconds == 0.005


def test_the_short_way_sees_a_blank_line_that_is_cut() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"id: 1\ndata: a\n") == []
    assert decoder.numbered(b"\nid: 2") == (1, ["a"])


def test_the_short_way_is_taken_for_what_logs_look_like() -> None:
    decoder = EventDecoder()
    assert decoder.numbered(b"id: 1\ndata: a\n\nid: 2\ndata:") == (1, ["a"])
    assert decoder.numbered(b" b\n\n") == (2, ["b"])
    assert decoder.last_event_id == "2"
    for other in (
        b"id: 3\ndata: a\n\nid: 5\ndata: b\n\n",
        b"data: a\n\n",
        b"id: 3\r\ndata: a\r\n\r\n",
        b": x\n\n",
        b"id: 3",
        b"id: 03\ndata: a\n\n",
        b"id: 1_0\ndata: a\n\n",
        "id: \u0663\ndata: a\n\n".encode(),
        b"id: 3\ndata: a\n\nid: 4\ndato: \ndata: b\n\n",
        b"id: 3\ndata: a\n\nid: 4\ndato: b\n\n",
        b"id: 3\ndata: a\ndata:b\nid: 4\ndata: c\n\n",
        b"id: 3\ndata: a\n\nid: 4\ndata: b\n\n\n",
    ):
        fresh, started = EventDecoder(), EventDecoder()
        started.feed(b"data: x\n\n")
        assert fresh.numbered(other) is None
        assert started.numbered(other) is None


def test_the_short_way_has_the_same_bound() -> None:
    event = b"id: 1\ndata: %s\n\n"
    decoder = EventDecoder(max_event=20)
    decoder.feed(b"id: 0\ndata: x\n\n")
    assert decoder.numbered(event % b"12345") == (1, ["12345"])
    assert decoder.numbered(event % b"1234567") is None
    with pytest.raises(LineTooLong):
        decoder.feed(event % b"123456789")
