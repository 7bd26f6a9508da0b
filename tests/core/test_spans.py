"""Spans know which bytes of a file are there, whatever the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from vantage_sdk.core.transfer.spans import Spans, spans_of

SIZE = 60
pairs = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda pair: (min(pair), max(pair))))


def bytes_of(spans: list[tuple[int, int]]) -> set[int]:
    return {at for start, stop in spans for at in range(start, stop)}


@given(pairs, st.integers(1, SIZE + 5))
def test_they_are_the_bytes_that_were_added(added: list[tuple[int, int]], piece: int) -> None:
    spans = Spans(SIZE)
    for start, stop in added:
        spans.add(start, stop)
    there, kept, gaps = bytes_of(added), spans.as_list(), spans.gaps(piece)
    assert bytes_of(kept) == there
    assert spans.total == len(there)
    assert spans.frontier == next(at for at in range(SIZE + 1) if at not in there)
    assert all(start < stop for start, stop in kept)
    assert all(before[1] < after[0] for before, after in zip(kept, kept[1:], strict=False))
    assert bytes_of(gaps) == set(range(SIZE)) - there
    assert sum(stop - start for start, stop in gaps) == SIZE - len(there)
    assert all(0 < stop - start <= piece for start, stop in gaps)
    assert gaps == sorted(gaps)
    assert spans_of(kept, SIZE, SIZE).as_list() == kept


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, SIZE + 1), (SIZE + 1, SIZE + 1)])
def test_what_is_not_inside_is_refused(start: int, stop: int) -> None:
    spans = Spans(SIZE, [(1, 2)])
    with pytest.raises(ValueError, match=f"not inside {SIZE} bytes"):
        spans.add(start, stop)
    assert spans.as_list() == [(1, 2)]


def test_an_empty_file_has_no_gaps() -> None:
    spans = Spans(0)
    assert (spans.total, spans.frontier, spans.as_list(), spans.gaps(5)) == (0, 0, [], [])


@pytest.mark.parametrize(
    "value",
    [None, 7, "ab", [1], [[1]], [[1, 2, 3]], [["x", 2]], [[2, 1]], [[-1, 2]], [[0, SIZE + 1]], [[0, 11]], {"a": 1}]
    + [[[0, None]], [[0, float("nan")]], [[0, float("inf")]], [[0, 1e400]]],
)
def test_a_journal_that_says_nonsense_says_nothing(value: Any) -> None:
    """Only 10 bytes of the file are there."""
    assert spans_of(value, SIZE, 10).as_list() == []


def test_a_journal_is_believed_as_far_as_the_file_goes() -> None:
    assert spans_of([[0, 3], [5, 10]], SIZE, 10).as_list() == [(0, 3), (5, 10)]
