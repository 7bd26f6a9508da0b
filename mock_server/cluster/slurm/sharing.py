"""Keeping once what many jobs have in common: a hundred thousand of them are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mock_server.cluster.job import JobRequest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mock_server.cluster.job import OutputFile

T = TypeVar("T")
H = TypeVar("H", bound="Hashable")

NO_OUTPUTS: dict[str, OutputFile] = {}
"""What a real job has of those files that only a simulated one writes."""

_RECENT = 1024
_PAGE = 4096


class Sharing:
    """Gives back an earlier value for an equal one, of a bounded number of them."""

    def __init__(self) -> None:
        self._recent: dict[Hashable, Any] = {}
        self._request: JobRequest | None = None

    def same(self, value: H) -> H:
        """Return a small value as it is kept already."""
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        kept: H = self._recent.setdefault(value, value)
        return kept

    def request(self, request: JobRequest) -> JobRequest:
        """Return an equal request with all that it shares with the one before: of a sweep that is nearly everything."""
        before, self._request = self._request, request
        if before is None:
            return request
        parts: list[Any] = [_one(old, new) for old, new in zip(before, request, strict=True)]
        self._request = JobRequest(*parts)._replace(extras=_extras(before.extras, request.extras))
        return self._request


class Extras(Mapping[str, Any]):
    """Some entries that many have, and one of its own."""

    __slots__ = ("_name", "_value", "common")

    def __init__(self, common: Mapping[str, Any], name: str, value: Any) -> None:
        self.common = common
        self._name = name
        self._value = value

    def __getitem__(self, name: str) -> Any:
        return self._value if name == self._name else self.common[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.common
        yield self._name

    def __len__(self) -> int:
        return len(self.common) + 1


class Marks:
    """A set of whole numbers from 0 on, a bit for each where they are close to each other."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        page, bit = divmod(number, _PAGE)
        if page not in self._pages:
            self._pages[page] = bytearray(_PAGE // 8)
        self._pages[page][bit >> 3] |= 1 << (bit & 7)

    def discard(self, number: int) -> None:
        if number in self:
            page, bit = divmod(number, _PAGE)
            self._pages[page][bit >> 3] &= ~(1 << (bit & 7))

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int) or number < 0:
            return False
        page, bit = divmod(number, _PAGE)
        found = self._pages.get(page)
        return found is not None and bool(found[bit >> 3] & 1 << (bit & 7))


def _one(before: T, value: T) -> T:
    return before if type(before) is type(value) and before == value else value


def _extras(before: Mapping[str, Any], extras: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return extras as what they share with those before, and the last entry if that is their own."""
    common = before.common if isinstance(before, Extras) else before
    if extras == common:
        return common
    if not extras:
        return extras
    name = next(reversed(list(extras)))
    rest = {key: value for key, value in extras.items() if key != name}
    return Extras(common if rest == common else rest, name, extras[name])
