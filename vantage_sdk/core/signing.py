"""Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body, in base64 with its version in front."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmac import HMAC

PREFIX = "whsec_"
VERSION = "v1"


def key_of(secret: str | bytes) -> bytes:
    """Return the key that a secret stands for: bytes are the key itself, text is base64 with or without ``whsec_``.

    No message holds any part of the secret.
    """
    if isinstance(secret, bytes):
        key = secret
    elif isinstance(secret, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        key = _decoded(secret.removeprefix(PREFIX).rstrip("="))
    else:
        raise TypeError(f"a secret is text or bytes, not {type(secret).__name__}")
    if not key:
        raise ValueError("a secret cannot be empty")
    return key


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        pass  # its message may quote the text
    raise ValueError(
        "the text of a secret is base64, with or without whsec_ in front; give a key of another kind as bytes"
    )


def keyed(secret: str | bytes) -> HMAC:
    """Return a code that is ready for messages, from which the key cannot be read again."""
    return hmac.new(key_of(secret), digestmod=hashlib.sha256)


def signature(code: HMAC, webhook_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a delivery as the header has it."""
    code = code.copy()
    code.update(f"{webhook_id}.{timestamp}.".encode("ascii"))
    code.update(body)
    return f"{VERSION},{b64encode(code.digest()).decode('ascii')}"


def is_signed(codes: Iterable[HMAC], given: str, webhook_id: str, timestamp: str, body: bytes) -> bool:
    """Tell whether one of the signatures in a header fits one of the secrets; the time tells nothing about which."""
    theirs = [entry.encode("utf-8", "surrogatepass") for entry in given.split(" ") if entry]
    fits = False
    for code in codes:
        ours = signature(code, webhook_id, timestamp, body).encode("ascii")
        for entry in theirs:
            fits |= hmac.compare_digest(ours, entry)
    return fits
