"""What Slurm's accounting (slurmdbd) knows beyond the list of jobs: what jobs used, and who may use what."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from mock_server.cluster.backend import ClusterError, UnavailableError, UnsupportedError
from mock_server.cluster.slurm import account_records as records
from mock_server.cluster.slurm.identity import slurm_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mock_server.cluster.job import Job
    from mock_server.cluster.slurm.account_records import UsageRecord
    from mock_server.cluster.slurm.commands import Commands
    from mock_server.cluster.slurm.directory import Directory
    from mock_server.cluster.slurm.records import JobRecord
    from mock_server.cluster.slurm.roster import Roster

EVERY = 1.0
"""Seconds between two questions; all jobs that ended meanwhile are asked about at once."""

BATCH = 200
"""Of how many jobs at most."""

ATTEMPTS = 9
"""How often a job is looked for: Slurm writes late, so each time after twice as long, about four minutes in all."""

DIRECTORY_EVERY = 60.0
"""Seconds between two looks at who may use what."""

MISSED = 1000
"""How many jobs that are not there either are remembered, so as not to ask again."""

LONGEST_PAUSE = 60.0
ABSENT_PAUSE = 600.0
"""Seconds until a site without accounting is asked again whether it has one."""

_KEY = re.compile(r"\d{1,10}(_\d{1,10})?", re.ASCII)
_log = logging.getLogger("mock_server")


class SlurmDb(Protocol):
    """A way to the accounting that need not be there."""

    async def slurmdb(self, what: str, **query: str | Sequence[str]) -> dict[str, Any] | None: ...


class Accounting:
    """Asks slurmrestd where it speaks for the accounting, else ``sacct`` and ``sacctmgr``; ``calls`` counts both.

    ``is_there`` tells whether the site has accounting, ``None`` until somebody had to ask.
    """

    def __init__(self, access: SlurmDb, commands: Commands, roster: Roster, directory: Directory) -> None:
        self._access = access
        self._commands = commands
        self._roster = roster
        self._directory = directory
        self._attempts: dict[str, tuple[int, float]] = {}
        self._directory_at = float("-inf")
        self._missed: set[str] = set()
        self.is_there: bool | None = None
        self.calls = 0

    async def follow(self) -> None:
        """Go on asking until cancelled; whatever is wrong with the accounting, jobs run without it."""
        pause = EVERY
        while True:
            try:
                await self.look(time.monotonic())
                pause = EVERY
            except UnsupportedError as error:
                _log.info("what jobs used is not known: %s", error.reason)
                self.is_there = False
                self._forget_all()
                pause = ABSENT_PAUSE
            except ClusterError as error:
                _log.info("accounting: %s", error)
                pause = min(LONGEST_PAUSE, 2 * pause)
            except (AttributeError, KeyError, TypeError, ValueError):
                _log.exception("Slurm's accounting does not say what it should")
                pause = min(LONGEST_PAUSE, 2 * pause)
            await asyncio.sleep(pause)

    async def look(self, now: float) -> None:
        """Learn who may use what if it is time for it, and what jobs used that have ended."""
        if now - self._directory_at >= DIRECTORY_EVERY:
            self._directory_at = now
            await self._learn()
        await self._measure(now)

    async def find(self, keys: Iterable[str]) -> list[JobRecord]:
        """Return the last run of each job, or task of an array, that Slurm may have forgotten.

        What is not found is not asked for again.
        """
        wanted = [key for key in keys if key not in self._missed and _KEY.fullmatch(key)]
        if self.is_there is False or not wanted:
            return []
        answer: list[dict[str, Any]] = []
        try:
            for start in range(0, len(wanted), BATCH):
                answer += await self._jobs(wanted[start : start + BATCH])
        except UnsupportedError:
            self.is_there = False
            return []
        except UnavailableError:
            raise
        except ClusterError as error:
            _log.info("accounting: %s", error)
            return []
        last = {record.key: record for record in sorted(map(records.job_record, answer), key=lambda run: run.submitted)}
        found = last.keys() | {key.partition("_")[0] for key in last}
        if len(self._missed) >= MISSED:
            self._missed.clear()
        self._missed.update(key for key in wanted if key not in found)
        return list(last.values())

    async def _measure(self, now: float) -> None:
        """Ask once for a batch of the jobs whose use is not known yet."""
        waiting = self._roster.unmeasured
        due = list(islice((job for key, job in waiting.items() if self._attempts.get(key, (0, now))[1] <= now), BATCH))
        if not due:
            return
        runs = await self._runs([slurm_key(job.id) for job in due])
        done: list[Job] = []
        for job in due:
            started = len(job.earlier_runs) + (job.started_at is not None)
            used = records.consumption(runs.get(slurm_key(job.id), ()), started)
            if used is not None:
                job.measured = used
                done.append(job)
            elif (tried := self._attempts.get(job.id, (0, now))[0] + 1) < ATTEMPTS:
                self._attempts[job.id] = tried, now + EVERY * 2 ** (tried - 1)
            else:
                self._forget(job.id)
        for job in done:
            self._forget(job.id)
        self._roster.measured(done)

    async def _runs(self, keys: Iterable[str]) -> dict[str, list[UsageRecord]]:
        """Return all runs of some jobs, by what Slurm calls those."""
        runs: dict[str, list[UsageRecord]] = defaultdict(list)
        for raw in await self._jobs(keys):
            record = records.usage_record(raw)
            runs[record.key].append(record)
        return runs

    async def _jobs(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        listed = list(keys)
        self.calls += 1
        answer = await self._access.slurmdb("jobs", step=listed, show_duplicates="true")
        if answer is None:
            answer = await self._commands.json("sacct", "--duplicates", f"--jobs={','.join(listed)}")
        self.is_there = True
        return answer.get("jobs") or []

    async def _learn(self) -> None:
        """Take over users, accounts and qualities of service."""
        try:
            associations, users, qos = [await self._list(what) for what in ("associations", "users", "qos")]
        except UnsupportedError as error:
            _log.info("users and accounts are not known: %s", error.reason)
            self._directory_at = time.monotonic() + ABSENT_PAUSE
            return
        self._directory.update(associations, users, qos)

    async def _list(self, what: str) -> list[dict[str, Any]]:
        self.calls += 1
        answer = await self._access.slurmdb(what)
        if answer is None:
            answer = await self._commands.json("sacctmgr", "show", what)
        return answer.get(what) or answer.get(what.upper()) or []

    def _forget(self, job_id: str) -> None:
        self._roster.unmeasured.pop(job_id, None)
        self._attempts.pop(job_id, None)

    def _forget_all(self) -> None:
        self._roster.unmeasured.clear()
        self._attempts.clear()
