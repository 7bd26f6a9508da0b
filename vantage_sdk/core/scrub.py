"""Keep secrets out of sight, and terminal control sequences out of terminals."""

from __future__ import annotations

import hmac
import json
import re
import warnings
from base64 import b64encode
from collections.abc import Iterable
from typing import Never
from urllib.parse import quote, quote_plus

PREFIX = 9
LONG = 20
HIDDEN = "***"
_ESCAPED = re.compile("%[0-9A-F]{2}")
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # other escape sequences
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


class Secret:
    """Text that shows only a mask of itself; ``reveal`` gives it away.

    Comparing takes the same time wherever the texts differ.  It is copied as itself and never pickled.
    """

    __slots__ = ("__forms", "__value")

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a Secret takes text, not {type(value).__name__}")
        self.__value = value
        self.__forms: tuple[str, ...] | None = None

    def reveal(self) -> str:
        """Return the value itself."""
        return self.__value

    @property
    def mask(self) -> str:
        """The first characters of a long value, nothing of a short one."""
        head = self.__value[:PREFIX]
        return f"{head}..." if len(self.__value) > LONG and head.isascii() and head.isprintable() else HIDDEN

    def forms(self) -> tuple[str, ...]:
        """Return the spellings in which the value may turn up in text, the longest first."""
        if self.__forms is None:
            self.__forms = _forms(self.__value)
        return self.__forms

    def __str__(self) -> str:
        return self.mask

    def __repr__(self) -> str:
        return f"<Secret {self.mask}>"

    def __format__(self, spec: str) -> str:
        return format(self.mask, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (secret.reveal().encode("utf-8", "surrogatepass") for secret in (self, other))
        return hmac.compare_digest(mine, theirs)

    __hash__ = object.__hash__

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> Never:
        raise TypeError("a Secret cannot be pickled: let the other process read the key from its own environment")

    def __getstate__(self) -> Never:
        self.__reduce__()


def clean_key(text: str, name: str) -> Secret:
    """Return a key as a user gave it without the white space around it, which a ``UserWarning`` mentions.

    Raises ``ValueError`` for what no HTTP header can carry: nothing, control characters, non-ASCII characters.  No
    message holds any part of the value.
    """
    key = text.strip()
    if not key:
        raise ValueError(f"{name} is empty; pass the key as it was given to you")
    if (kind := unfit(key)) is not None:
        raise ValueError(f"{name} contains {kind}; pass the key as it was given to you, on one line")
    if key != text:
        warnings.warn(f"{name} has white space around it, which is left out", UserWarning, stacklevel=2)
    return Secret(key)


def unfit(key: str) -> str | None:
    """Return what a text contains that no header can carry, ``None`` if nothing."""
    for character in key:
        if character in "\r\n":
            return "a line break"
        if character == "\t":
            return "a tab"
        if character < " " or character == "\x7f":
            return "a control character"
        if not character.isascii():
            return "a character that is not ASCII"
    return None


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with each secret replaced by its mask, also where it is percent-encoded, escaped or in base64."""
    live = [secret for secret in secrets if secret.reveal()]
    found = [(form, secret) for secret in live for form in secret.forms() if form in text]
    for form, secret in sorted(found, key=lambda pair: -len(pair[0])):
        text = text.replace(form, _mask_beside(secret, live))
    return text


def _mask_beside(secret: Secret, live: list[Secret]) -> str:
    """Return the mask of ``secret`` unless it shows another secret."""
    mask = secret.mask
    return HIDDEN if any(other.reveal() in mask for other in live) else mask


def _forms(value: str) -> tuple[str, ...]:
    raw = value.encode("utf-8", "surrogatepass")
    escaped = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    forms = {value, *escaped, *(_ESCAPED.sub(lambda match: match[0].lower(), form) for form in escaped)}
    for quoted in (repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False)):
        forms.add(quoted[1:-1])
    return tuple(sorted(forms | _base64_forms(raw), key=len, reverse=True))


def _base64_forms(raw: bytes) -> set[str]:
    """Return the value in base64: alone, and within something longer (``user:key``) at each of three alignments.

    Of a very short value within something longer too little is left to tell it from other text.
    """
    whole = b64encode(raw).decode()
    forms = {form for form in (whole, whole.rstrip("=")) if len(form) > 3}
    for lead in range(3):
        own = slice(-(-lead * 8 // 6), (lead + len(raw)) * 8 // 6)
        if len(part := b64encode(bytes(lead) + raw).decode()[own]) > 5:
            forms.add(part)
    return forms | {form.replace("+", "-").replace("/", "_") for form in forms}


def printable(text: str) -> str:
    """Return ``text`` without control sequences (ECMA-48) and control characters; tabs and newlines stay."""
    return _SEQUENCE.sub("", text)
