"""Tokens, and servers that accept some of them, for clients that ask for theirs."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from typing import Any

from tests.support.scripted import Json, Request, Step

LIFE = 3600.0


def jwt(left: float | None = LIFE, **claims: Any) -> str:
    """Return an unsigned token that has ``left`` seconds until its end."""
    payload = claims if left is None else {**claims, "exp": time.time() + left}
    parts = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, payload))
    return ".".join((*parts, "c2lnbmF0dXJl"))


class Issuer:
    """A function that gives out tokens and counts; a server that accepts all but those that are ``revoked``."""

    def __init__(self, left: float | None = LIFE) -> None:
        self.given: list[str] = []
        self.revoked: set[str] = set()
        self.left = left
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.given.append(jwt(self.left, number=len(self.given)))
            return self.given[-1]

    async def later(self) -> str:
        return self()

    def revoke(self) -> None:
        self.revoked |= {*self.given}

    def answer(self, request: Request, _: int) -> Step:
        """Play the server that trusts these tokens."""
        shown = str(request.header("authorization")).removeprefix("Bearer ")
        if shown in {*self.given} - self.revoked:
            return Json(200, {"shown": shown})
        return Json(
            401, {"error": {"code": "UNAUTHORIZED", "message": f"unknown token {shown}", "request_id": "req-1"}}
        )
