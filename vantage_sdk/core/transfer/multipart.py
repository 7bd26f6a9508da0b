"""The one form that a file is uploaded with, as the bytes around it (RFC 7578).

httpx has an encoder, but it reads files itself and takes as long to load as everything else of this SDK.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

_UNSAFE = {"\r": "%0D", "\n": "%0A", '"': "%22"}
_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(;[ \t\x21-\x7e]*)?")


class Form:
    """Text fields and one file: ``head`` comes before the file's bytes, ``tail`` after them."""

    def __init__(self, fields: Mapping[str, str], filename: str, content_type: str | None) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        kind = "" if content_type is None else f"Content-Type: {content_type}\r\n"
        name = f'name="file"; filename="{_quoted(filename)}"'
        parts.append(f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\n{kind}\r\n")
        self.head = "".join(parts).encode()
        self.tail = f"\r\n--{boundary}--\r\n".encode()


def _quoted(filename: str) -> str:
    """Return a file name as browsers write it (HTML, 4.10.21.8)."""
    return "".join(_UNSAFE.get(character, character) for character in filename)


def checked_type(content_type: str | None) -> str | None:
    """Return a media type as given; raise ``ValueError`` if no header can carry it."""
    if content_type is not None and not _TYPE.fullmatch(content_type):
        raise ValueError(f"content_type is no media type like text/plain: {content_type[:80]!r}")
    return content_type
