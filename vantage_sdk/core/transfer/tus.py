"""What goes over the wire in resumable uploads: the headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vantage_sdk.core.transfer.checksums import ALGORITHMS

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer

VERSION = "1.0.0"
BASE = {"Tus-Resumable": VERSION}
OFFSETS = {"Content-Type": "application/offset+octet-stream"}
GONE = (404, 410)
MISMATCH = 460


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server can do; ``largest`` is the most bytes one upload may have."""

    extensions: frozenset[str] = frozenset()
    algorithms: tuple[str, ...] = ()
    largest: int | None = None

    @property
    def creates(self) -> bool:
        return "creation" in self.extensions

    @property
    def defers(self) -> bool:
        """Whether an upload may begin before its length is known."""
        return self.creates and "creation-defer-length" in self.extensions

    @property
    def joins(self) -> bool:
        """Whether parts that were uploaded side by side can be joined."""
        return self.creates and "concatenation" in self.extensions

    @property
    def algorithm(self) -> str | None:
        """The checksum to send with each piece: the cheapest that both sides know."""
        if "checksum" not in self.extensions:
            return None
        return next((name for name in ALGORITHMS if name in self.algorithms), None)

    def takes(self, size: int) -> bool:
        return self.creates and (self.largest is None or size <= self.largest)


NOTHING = Offer()


def offer(answer: Answer) -> Offer:
    """Read the answer to OPTIONS; a server that does not speak this version offers nothing."""
    headers = answer.headers
    if VERSION not in _words(headers.get("tus-version", headers.get("tus-resumable", ""))):
        return NOTHING
    largest = headers.get("tus-max-size", "")
    return Offer(
        frozenset(_words(headers.get("tus-extension", ""))),
        tuple(_words(headers.get("tus-checksum-algorithm", ""))),
        int(largest) if re.fullmatch("[0-9]{1,18}", largest) else None,
    )


def metadata(values: Mapping[str, str]) -> str:
    """Return the value of ``Upload-Metadata``."""
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())


def has_metadata(told: str, sent: str) -> bool:
    """Tell whether all that was sent as ``Upload-Metadata`` is in what the server tells."""
    there = {entry.strip() for entry in told.split(",")}
    return not sent or all(entry in there for entry in sent.split(","))


def final(urls: Sequence[str]) -> str:
    """Return the value of ``Upload-Concat`` that joins parts."""
    return f"final;{' '.join(urls)}"


def offset_of(answer: Answer) -> int:
    """Return how many bytes the server has; raise ``ValueError`` if it does not say."""
    text = answer.headers.get("upload-offset", "")
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError("no valid Upload-Offset in the answer")
    return int(text)


def file_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the id of the file that an upload became, ``None`` for what can be none."""
    text = headers.get("x-file-id", "")
    return text if re.fullmatch(r"[\x21-\x7e]{1,255}", text) and text not in (".", "..") else None


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]
