"""Subscriptions and what waits for them, in a database that outlives the server."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mock_server.webhooks.delivery import Attempt, Delivery
from mock_server.world.webhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "webhooks.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (id TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    place INTEGER PRIMARY KEY, id TEXT, webhook_id TEXT, type TEXT, body BLOB, created_at REAL, due_at REAL, attempts TEXT,
    UNIQUE (webhook_id, id)
);
CREATE TABLE IF NOT EXISTS made (number INTEGER NOT NULL);
"""


class Ledger:
    """A database of subscriptions and deliveries that wait; without a path nothing is kept.

    A delivery is erased once it has arrived or is given up, so one whose answer a killed server did not see is made again:
    under the same id, as receivers expect it.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Begin to write."""
        if self._path is not None and self._database is None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # it has the secrets that sign
            self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def erase(self) -> None:
        """Forget everything."""
        if self._database is not None:
            self._database.executescript("DELETE FROM webhooks; DELETE FROM deliveries; DELETE FROM made;")

    def begin(self, webhooks: list[Webhook]) -> tuple[list[Webhook], int]:
        """Return the subscriptions of the server before and how many have been made; of a first one, those given."""
        made = next(self._rows("SELECT number FROM made"), None)
        if made is None:
            self._run("INSERT INTO made VALUES (0)")
            for webhook in webhooks:
                self.save(webhook)
            return webhooks, 0
        return [
            _webhook(json.loads(text)) for (text,) in self._rows("SELECT content FROM webhooks ORDER BY rowid")
        ], made[0]

    def make(self, webhook: Webhook, number: int) -> None:
        """Write down a new subscription; ``number`` have been made with it."""
        self._run("UPDATE made SET number = ?", number)
        self.save(webhook)

    def save(self, webhook: Webhook) -> None:
        text = json.dumps(asdict(webhook))
        self._run(
            "INSERT INTO webhooks VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content",
            webhook.id,
            text,
        )

    def remove(self, webhook_id: str) -> None:
        self._run("DELETE FROM webhooks WHERE id = ?", webhook_id)

    def add(self, delivery: Delivery) -> None:
        """Write down a delivery that waits."""
        row = delivery.id, delivery.webhook_id, delivery.type, delivery.body, delivery.created_at, delivery.due_at
        self._run("INSERT OR REPLACE INTO deliveries VALUES (NULL, ?, ?, ?, ?, ?, ?, '[]')", *row)

    def postpone(self, delivery: Delivery) -> None:
        """Write down that an attempt has failed, and when the next one is due."""
        attempts = json.dumps([asdict(attempt) for attempt in delivery.attempts])
        row = delivery.due_at, attempts, delivery.webhook_id, delivery.id
        self._run("UPDATE deliveries SET due_at = ?, attempts = ? WHERE webhook_id = ? AND id = ?", *row)

    def end(self, delivery: Delivery) -> None:
        """Erase a delivery that waits no more."""
        self._run("DELETE FROM deliveries WHERE webhook_id = ? AND id = ?", delivery.webhook_id, delivery.id)

    def deliveries(self) -> list[Delivery]:
        """Return what waits, in the order of the events."""
        query = "SELECT id, webhook_id, type, body, created_at, due_at, attempts FROM deliveries ORDER BY place"
        return [_delivery(*row) for row in self._rows(query)]

    def _run(self, query: str, *values: object) -> None:
        if self._database is not None:
            self._database.execute(query, values)

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        return iter(()) if self._database is None else iter(self._database.execute(query).fetchall())


def _webhook(content: dict[str, Any]) -> Webhook:
    webhook = Webhook(**content)
    webhook.events = tuple(webhook.events)
    webhook.retired = tuple((secret, end) for secret, end in webhook.retired)
    return webhook


def _delivery(
    message_id: str, webhook_id: str, kind: str, body: bytes, created_at: float, due_at: float, attempts: str
) -> Delivery:
    tried = [Attempt(**attempt) for attempt in json.loads(attempts)]
    return Delivery(message_id, webhook_id, kind, body, created_at, due_at, attempts=tried)
