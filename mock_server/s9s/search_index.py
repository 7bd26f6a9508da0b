"""An inverted index that ranks what it finds, fast at a hundred thousand documents.

A document has words in *tiers*, the best first.  A query finds the documents in which each of its words begins a word, and
ranks them by this rule:

* a query word scores the weight of the best tier in which it stands for itself in a document, or ``BEGINNING`` of the
  weight of the best one where it only begins a longer word, whichever is more;
* it counts the more the rarer it is: ``log(1 + N / n)`` times, ``n`` of ``N`` documents having it;
* the score of a document is the mean of that over the words of the query, so it lies between 0 and 1;
* among equals the document that was put in last comes first.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from itertools import islice
from operator import itemgetter
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from mock_server.s9s.vocabulary import Vocabulary, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

WEIGHTS = (1.0, 0.8, 0.6)
"""What a word counts in the best tier, the second and the third."""

BEGINNING = 0.75
SMALL = 1_000
SPARSE = 0.5
_WORD = re.compile(r"[^\W_]+")

Key = tuple[str, str]
"""The kind of a document and its id."""

Words = tuple[frozenset[str], ...]


class Hit(NamedTuple):
    """A document that was found."""

    key: Key
    score: float


def words_of(*texts: str) -> frozenset[str]:
    """Return the runs of letters and digits in texts; case means nothing."""
    return frozenset(intern(word) for text in texts for word in _WORD.findall(text.casefold()))


class SearchIndex:
    """Documents by the words in them."""

    def __init__(self) -> None:
        self._keys: list[Key | None] = []
        self._numbers: dict[Key, int] = {}
        self._words: dict[Key, tuple[tuple[str, ...], ...]] = {}  # sets would take five times the room
        self._tiers = tuple(Vocabulary() for _ in WEIGHTS)
        self._kinds: dict[str, int] = defaultdict(int)

    def __len__(self) -> int:
        return len(self._numbers)

    def keys(self, kind: str) -> list[Key]:
        """Return the keys of all documents of a kind."""
        return [key for number in numbers(self._kinds.get(kind, 0)) if (key := self._keys[number]) is not None]

    @property
    def is_sparse(self) -> bool:
        """Whether so many documents have left that building a new index is better than going on."""
        return len(self._keys) > SMALL and len(self) < SPARSE * len(self._keys)

    def update(self, documents: Mapping[Key, Words | None]) -> None:
        """Put documents in, in the place of what they were; ``None`` takes one out."""
        gained, lost = [[defaultdict[str, list[int]](list) for _ in WEIGHTS] for _ in range(2)]
        for key, words in documents.items():
            old, new = self._known(key), words or NOTHING
            if new == old and (words is None) == (key not in self._numbers):
                continue
            number = self._remove(key) if words is None else self._put(key, words)
            for tier, (before, after) in enumerate(zip(old, new, strict=True)):
                for word in after - before:
                    gained[tier][word].append(number)
                for word in before - after:
                    lost[tier][word].append(number)
        for vocabulary, more, less in zip(self._tiers, gained, lost, strict=True):
            for word in more.keys() | less.keys():
                vocabulary.change(word, more.get(word, ()), less.get(word, ()))

    def prepare(self) -> Iterator[None]:
        """Get ready for searches, in steps, after many documents have come."""
        for tier in self._tiers:
            yield from tier.prepare()

    def search(self, query: str, *, kind: str | None = None, limit: int) -> tuple[list[Hit], int]:
        """Return the best documents, at most ``limit`` of them, and how many there are in all."""
        terms = [self._ranked(word) for word in sorted(words_of(query))]
        found = sum(self._kinds.values()) if kind is None else self._kinds.get(kind, 0)
        counts = list[int]()
        for term in terms:
            having = sum(documents for _, documents in term)  # none is in two of them
            counts.append(having.bit_count())
            found &= having
        if not found or not terms:
            return [], 0
        rarities = [math.log1p(len(self) / count) for count in counts]
        groups = sorted(_groups(terms, rarities, found), key=itemgetter(0), reverse=True)
        return list(self._hits(groups, limit)), found.bit_count()

    def _ranked(self, word: str) -> list[tuple[float, int]]:
        """Return who has a word by what that scores, each document once and the best scores first."""
        scored: dict[float, int] = defaultdict(int)
        for weight, tier in zip(WEIGHTS, self._tiers, strict=True):
            scored[weight] |= tier.having(word)
            scored[weight * BEGINNING] |= tier.beginning(word)
        ranked, seen = list[tuple[float, int]](), 0
        for score in sorted(scored, reverse=True):
            if fresh := scored[score] & ~seen:
                ranked.append((score, fresh))
                seen |= fresh
        return ranked

    def _hits(self, groups: Iterable[tuple[float, int]], limit: int) -> Iterator[Hit]:
        found = ((score, number) for score, documents in groups for number in numbers(documents))
        for score, number in islice(found, limit):
            key = self._keys[number]
            if key is not None:
                yield Hit(key, round(score, 4))

    def _known(self, key: Key) -> Words:
        return tuple(frozenset(group) for group in self._words[key]) if key in self._words else NOTHING

    def _put(self, key: Key, words: Words) -> int:
        self._words[key] = tuple(tuple(group) for group in words)
        if key not in self._numbers:
            number = self._numbers[key] = len(self._keys)
            self._keys.append(key)
            self._kinds[key[0]] |= 1 << number
        return self._numbers[key]

    def _remove(self, key: Key) -> int:
        number = self._numbers.pop(key)
        del self._words[key]
        self._keys[number] = None
        self._kinds[key[0]] &= ~(1 << number)
        return number


NOTHING: Words = tuple(frozenset[str]() for _ in WEIGHTS)


def _groups(
    terms: Sequence[Sequence[tuple[float, int]]], rarities: Sequence[float], found: int
) -> Iterator[tuple[float, int]]:
    """Yield the documents among ``found`` in groups of one score."""
    groups = [(0.0, found)]
    for term, rarity in zip(terms, rarities, strict=True):
        groups = [
            (score + weight * rarity, both)
            for score, group in groups
            for weight, documents in term
            if (both := group & documents)
        ]
    whole = sum(rarities)
    return ((score / whole, documents) for score, documents in groups)
