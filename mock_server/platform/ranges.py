"""Parts of a file, as the ``Range`` header asks for them, and the conditions on its version."""

from __future__ import annotations

import re

from mock_server.errors import ApiError

_RANGE = re.compile(r"bytes\s*=(.*)", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"([0-9]*)-([0-9]*)")
_LARGEST = 10**19


class UnsatisfiableError(ValueError):
    """A range outside the file."""


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the end (exclusive) of the one range asked for; ``None`` if the header means nothing.

    Several ranges mean nothing either.  One outside a file of ``size`` bytes raises ``UnsatisfiableError``.
    """
    unit = _RANGE.fullmatch(header.strip())
    parts = [] if unit is None else [part.strip() for part in unit[1].split(",") if part.strip()]
    part = _PART.fullmatch(parts[0]) if len(parts) == 1 else None
    if part is None or part[0] == "-":
        return None
    if not part[1]:
        start, end = size - min(size, _number(part[2])), size
    else:
        start, end = _number(part[1]), size
        if part[2]:
            last = _number(part[2])
            if last < start:
                return None
            end = min(size, last + 1)
    if start >= size:
        raise UnsatisfiableError
    return start, end


def wants_range(if_range: str | None, etag: str) -> bool:
    """Tell whether ``If-Range`` lets a range through: only a strong tag that is that of the file."""
    return if_range is None or if_range.strip() == etag


def check_match(if_match: str | None, etag: str) -> None:
    """Raise a 412 if ``If-Match`` asks for another version."""
    if if_match is None or if_match.strip() == "*":
        return
    if etag not in [tag.strip() for tag in if_match.split(",")]:
        raise ApiError(412, "The file has another ETag", details={"etag": etag})


def _number(digits: str) -> int:
    """Return the number, cut to what is larger than any file."""
    digits = digits.lstrip("0") or "0"
    return _LARGEST if len(digits) > 19 else int(digits)
