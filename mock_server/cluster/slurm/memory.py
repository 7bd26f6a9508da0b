"""The server's own record of every job: it outlives the server, and Slurm's memory of jobs that have ended."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mock_server.cluster.job import Dependency, JobRequest, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mock_server.cluster.job import Job

FILE = "slurm-jobs.sqlite3"
KEPT = (
    *("name", "priority", "state", "partition", "account", "time_limit", "created_at", "updated_at", "queued_at"),
    *("eligible_at", "started_at", "ended_at", "exit_code", "signal", "reason", "cancel_reason", "held"),
    *("hold_reason", "restarts", "retries", "earlier_runs", "allocation"),
)
"""What of a job is written down besides its request."""

_kept = attrgetter(*KEPT)

_WRITE = """
INSERT INTO jobs VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET request = excluded.request, facts = excluded.facts,
    token = COALESCE(excluded.token, token), account = COALESCE(NULLIF(excluded.account, ''), account)
"""
"""What is known of a job that has ended may lack its token and its account."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, token TEXT, account TEXT, request TEXT, facts TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (key TEXT PRIMARY KEY, request TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deleted (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intents
    (token TEXT PRIMARY KEY, request TEXT, partition TEXT, account TEXT, until REAL) WITHOUT ROWID;
"""


class Memory:
    """A database of jobs; without a path nothing is kept."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._settled: list[str] = []

    def open(self) -> None:
        """Begin to write; the directory must be the caller's alone."""
        if self._path is not None and self._database is None:
            self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    def close(self) -> None:
        if self._database is not None:
            self._erase_settled(self._database)
            self._database.close()
            self._database = None

    def erase(self) -> None:
        """Forget everything."""
        if self._database is not None:
            self._database.executescript(
                "DELETE FROM jobs; DELETE FROM requests; DELETE FROM deleted; DELETE FROM intents;"
            )

    def write(self, jobs: Iterable[tuple[Job, str | None, str]], deleted: Iterable[tuple[str, str]] = ()) -> None:
        """Write down jobs, each with its token and its account, and forget others, given by id and Slurm's key."""
        database = self._database
        if database is None:
            return
        texts = _Texts()
        rows = [(job.id, token, account, texts.of(job.request), _facts(job)) for job, token, account in jobs]
        gone = list(deleted)
        if not rows and not gone:
            return
        database.execute("BEGIN")
        database.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?)", texts.long.items())
        database.executemany(_WRITE, rows)
        database.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id, _ in gone])
        database.executemany("INSERT OR IGNORE INTO deleted VALUES (?)", [(key,) for _, key in gone])
        self._erase_settled(database)
        database.execute("COMMIT")

    def write_facts(self, jobs: Iterable[Job]) -> None:
        """Write down anew what has become of jobs that are there."""
        rows = [(_facts(job), job.id) for job in jobs]
        if self._database is not None and rows:
            self._database.execute("BEGIN")
            self._database.executemany("UPDATE jobs SET facts = ? WHERE id = ?", rows)
            self._database.execute("COMMIT")

    def displace(self, jobs: Iterable[str], keys: Iterable[str]) -> None:
        """Forget jobs whose number another one has, and that jobs of these keys were deleted."""
        if self._database is not None:
            self._database.execute("BEGIN")
            self._database.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id in jobs])
            self._database.executemany("DELETE FROM deleted WHERE key = ?", [(key,) for key in keys])
            self._database.execute("COMMIT")

    def intend(self, token: str, request: JobRequest, partition: str, account: str, until: float) -> None:
        """Write down that a job is about to be submitted under a key."""
        if self._database is not None:
            row = token, _request_text(request), partition, account, until
            self._database.execute("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?)", row)

    def settled(self, token: str) -> None:
        """Erase an intent with whatever is written down next: that its job is there, for one."""
        if self._database is not None:
            self._settled.append(token)

    def intents(self) -> list[tuple[str, JobRequest, str, str, float]]:
        """Return token, request, partition, account and end of each intent of which no outcome was written down."""
        if self._database is None:
            return []
        rows = self._database.execute("SELECT * FROM intents").fetchall()
        return [(token, _request(json.loads(request)), *rest) for token, request, *rest in rows]

    def jobs(self) -> Iterator[tuple[str, str | None, str, JobRequest, dict[str, Any]]]:
        """Yield id, token, account, request and facts of each job."""
        if self._database is None:
            return
        long = {key: _request(json.loads(text)) for key, text in self._database.execute("SELECT * FROM requests")}
        for job_id, token, account, request, facts in self._database.execute("SELECT * FROM jobs"):
            yield job_id, token, account, long.get(request) or _request(json.loads(request)), json.loads(facts)

    def deleted(self) -> set[str]:
        """Return what Slurm calls the jobs that were deleted."""
        if self._database is None:
            return set()
        return {key for (key,) in self._database.execute("SELECT key FROM deleted")}

    def _erase_settled(self, database: sqlite3.Connection) -> None:
        settled, self._settled = self._settled, []
        database.executemany("DELETE FROM intents WHERE token = ?", [(token,) for token in settled])


class _Texts:
    """What requests say; those of arrays are long, and many tasks have one, so it is written down once for all of them."""

    def __init__(self) -> None:
        self.long: dict[str, str] = {}
        self._keys: dict[int, str] = {}

    def of(self, request: JobRequest) -> str:
        """Return the text of a request, or the key under which it stands in ``long``."""
        if not request.array:
            return _request_text(request)
        key = self._keys.get(id(request))
        if key is None:
            text = _request_text(request)
            key = self._keys[id(request)] = "=" + blake2b(text.encode(), digest_size=16).hexdigest()
            self.long[key] = text
        return key


def _request_text(request: JobRequest) -> str:
    content = request._asdict()
    content["environment"], content["extras"] = dict(request.environment), dict(request.extras)
    content["resources"] = request.resources._asdict()
    content["dependencies"] = [asdict(dependency) for dependency in request.dependencies]
    return json.dumps(content)


def _request(content: dict[str, Any]) -> JobRequest:
    content["resources"] = Resources(**content["resources"])
    content["dependencies"] = tuple(Dependency(**dependency) for dependency in content["dependencies"])
    content["array"], content["required_nodes"] = tuple(content["array"]), tuple(content["required_nodes"])
    return JobRequest(**{name: value for name, value in content.items() if name in JobRequest._fields})


def _facts(job: Job) -> str:
    used = job.measured
    facts = dict(zip(KEPT, _kept(job), strict=True))
    return json.dumps(facts | {"measured": (used.cpu_seconds, used.gpu_seconds, used.max_memory)})
