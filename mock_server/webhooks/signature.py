"""Signatures as Standard Webhooks has them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "whsec_"
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def secret_key(secret: str) -> bytes:
    """Return the key for a secret: what follows ``whsec_``, if that is there, decoded if it is base64.

    Padding may be left out, as receivers allow it too.  What cannot be base64 is used as its UTF-8 bytes.
    """
    text = secret.removeprefix(PREFIX)
    digits = text.rstrip("=")
    whole = not text.endswith("=") or len(text) % 4 == 0
    if _BASE64.fullmatch(text) and len(digits) % 4 != 1 and whole:
        return base64.b64decode(digits + "=" * (-len(digits) % 4))
    return text.encode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return ``v1,`` and the digest of a message."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret_key(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of an attempt, with one signature for each secret; without any it is not signed."""
    signatures = " ".join(sign(secret, message_id, timestamp, body) for secret in secrets)
    named = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    return {**named, "webhook-signature": signatures} if signatures else named
