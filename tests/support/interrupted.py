"""Transfers that are stopped half-way, and what the server saw of them."""

from __future__ import annotations

from typing import Any

from mock_server import MockServer

PIECES = "PATCH /v1/storage/uploads/*"


class Enough(Exception):
    """Raised in a progress callback to end a transfer."""


def enough(share: float) -> Any:
    """Return a callback that ends a transfer once more than a share of it is done."""

    def stop(done: int, total: int) -> None:
        if done > share * total:
            raise Enough

    return stop


def sent(server: MockServer) -> int:
    """Return how many bytes the server took in pieces."""
    return sum(record.body_size for record in server.journal if record.method == "PATCH" and record.status == 204)


def begun(server: MockServer) -> int:
    """Return how many uploads were begun."""
    return sum(record.method == "POST" for record in server.journal)


def asked(server: MockServer) -> list[str]:
    """Return the ranges that were asked for."""
    return [dict(record.headers).get("range", "all") for record in server.journal if record.path.endswith("/download")]
