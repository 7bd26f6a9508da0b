"""Which documents have which words: whole words, and words that begin with something.

Documents are numbers.  Who has a word is a tuple of them as long as they are few and a bit set (a Python integer) when they
are many: then finding and counting are a few operations on integers, however many documents there are.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

FEW = 256
BLOCK = 512
RECENT = 4_096
LAST = "\U0010ffff"

Posting = tuple[int, ...] | int


class Vocabulary:
    """Words in order.  A block of neighbours knows who has any of them, so that a beginning costs no walk over its words."""

    def __init__(self) -> None:
        self._postings: dict[str, Posting] = {}
        self._ordered: list[str] = []
        self._blocks: list[int | None] = []
        self._recent: set[str] = set()

    def change(self, word: str, gained: Sequence[int], lost: Collection[int]) -> None:
        """Let documents have a word from now on, and others no longer."""
        before = self._postings.get(word)
        after = _changed(() if before is None else before, gained, lost)
        if after:
            self._postings[word] = after
        elif before is not None:
            del self._postings[word]
        place = bisect_left(self._ordered, word)
        if place < len(self._ordered) and self._ordered[place] == word:
            self._blocks[place // BLOCK] = None
        elif after:
            self._recent.add(word)

    def having(self, word: str) -> int:
        """Return who has a word."""
        return self._joined((word,))

    def beginning(self, text: str) -> int:
        """Return who has a word that begins with ``text``."""
        first, end = bisect_left(self._ordered, text), bisect_left(self._ordered, text + LAST)
        found = self._joined(word for word in self._recent if word.startswith(text))
        # What is left of the blocks at both ends is looked at word by word.
        left, right = -(-first // BLOCK), end // BLOCK
        if left >= right:
            return found | self._joined(self._ordered[first:end])
        for number in range(left, right):
            found |= self._block(number)
        return found | self._joined(self._ordered[first : left * BLOCK] + self._ordered[right * BLOCK : end])

    def prepare(self) -> Iterator[None]:
        """Put new words in order once they are many, a step at a time."""
        if len(self._recent) <= RECENT:
            return
        self._sort()
        for number in range(len(self._blocks)):
            self._block(number)
            yield

    def _block(self, number: int) -> int:
        known = self._blocks[number]
        if known is None:
            start = number * BLOCK
            known = self._blocks[number] = self._joined(self._ordered[start : start + BLOCK])
        return known

    def _sort(self) -> None:
        self._ordered = sorted(self._postings)
        self._blocks = [None] * -(-len(self._ordered) // BLOCK)
        self._recent = set()

    def _joined(self, words: Iterable[str]) -> int:
        found, few = 0, list[tuple[int, ...]]()
        for word in words:
            posting = self._postings.get(word, ())
            if isinstance(posting, int):
                found |= posting
            else:
                few.append(posting)
        return found | bits(chain.from_iterable(few))


def bits(numbers: Iterable[int]) -> int:
    """Return the integer in which these bits are set."""
    listed = list(numbers)
    if not listed:
        return 0
    octets = bytearray((max(listed) >> 3) + 1)
    for number in listed:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")


def numbers(documents: int) -> Iterator[int]:
    """Yield the bits that are set, the highest first."""
    octets = documents.to_bytes((documents.bit_length() + 7) // 8, "little")
    for place in range(len(octets) - 1, -1, -1):
        octet = octets[place]
        while octet:
            bit = octet.bit_length() - 1
            octet ^= 1 << bit
            yield 8 * place + bit


def _changed(posting: Posting, gained: Sequence[int], lost: Collection[int]) -> Posting:
    if isinstance(posting, int):
        return (posting | bits(gained)) & ~bits(lost)
    if lost:
        posting = tuple(number for number in posting if number not in lost)
    left = (*posting, *gained)
    return left if len(left) <= FEW else bits(left)
