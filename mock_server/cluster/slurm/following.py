"""Following a Slurm cluster: one list of all jobs a tick, as often as there is reason to."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING

from mock_server.cluster.backend import ClusterError, UnavailableError
from mock_server.cluster.history import History
from mock_server.cluster.job import JobState
from mock_server.cluster.slurm import missing
from mock_server.cluster.slurm.accounting import Accounting
from mock_server.cluster.slurm.cli import Cli
from mock_server.cluster.slurm.commands import Commands
from mock_server.cluster.slurm.directory import Directory
from mock_server.cluster.slurm.doubts import Doubts
from mock_server.cluster.slurm.files import SiteFiles
from mock_server.cluster.slurm.identity import slurm_key
from mock_server.cluster.slurm.layout import Layout
from mock_server.cluster.slurm.memory import FILE, Memory
from mock_server.cluster.slurm.reading import Reading
from mock_server.cluster.slurm.rest import Rest
from mock_server.cluster.slurm.roster import Roster
from mock_server.cluster.slurm.starting import directory_of
from mock_server.cluster.slurm.tokens import Tokens

if TYPE_CHECKING:
    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.slurm.access import Access
    from mock_server.cluster.slurm.settings import SlurmSettings

LAYOUT_EVERY = 5.0
"""Seconds between two looks at nodes and partitions."""

RELIEF = 3.0
"""How many times as long as the last list took there is none."""

RELIEF_OF_SUBMITTERS = 9.0
"""The same while jobs are being submitted, which wait for Slurm while it makes a list."""

LONGEST_RELIEF = 10.0
STREAM = 0.5
"""Seconds after a submission in which another one is likely."""

_GROWTH = 1.5
_log = logging.getLogger("mock_server")


class Following(Reading):
    """The local view, kept up to date from ``open`` until ``aclose``, both in the loop of the server."""

    def __init__(self, settings: SlurmSettings, *, state: str | None = None, history_limit: int = 200_000) -> None:
        now = time.time()
        directory = Directory(settings.users)
        layout, history = Layout(settings.cluster_name, now, directory), History(history_limit)
        self._memory = Memory(None if state is None else os.path.join(state, FILE))
        super().__init__(layout, Roster(layout.cluster.id, history, self._memory, settings.directory), history)
        self.settings = settings
        self.commands = Commands(settings)
        self.files = SiteFiles(settings)
        self.rest: Access = Cli(settings) if settings.url is None else Rest(settings, Tokens(settings, self.commands))
        self.accounting = Accounting(self.rest, self.commands, self._roster, directory)
        self.trouble: UnavailableError | None = UnavailableError("Slurm has not answered yet")
        self._in_flight: dict[str, JobRequest] = {}
        self._doubts = Doubts(self._memory, settings)
        self._lock = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._changed = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._layout_at = self._looked_at = float("-inf")
        self._pause = settings.shortest_pause
        self._listing = 0.0
        self._submitted_at = float("-inf")

    async def open(self) -> None:
        """Have a first look, and go on looking; a Slurm that is away is no error."""
        prepare(self.settings.directory)
        self.files.prepare()
        self._memory.open()
        if not self._roster.jobs:
            self._roster.recall()
            self._doubts.recall(self._roster.by_token)
        self._lock, self._hurry, self._changed = asyncio.Lock(), asyncio.Event(), asyncio.Event()
        try:
            await self.refresh()
        except ClusterError as error:
            _log.warning("%s", error)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
            self._keep(asyncio.create_task(self.accounting.follow()))

    async def aclose(self) -> None:
        """Stop looking; jobs run on."""
        tasks = [task for task in (self._poller, *self._tasks) if task is not None]
        self._poller = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.rest.aclose()
        self._roster.flush()
        self._memory.close()

    def open_soon(self) -> None:
        """Open in the running loop, for those who cannot wait for the first look."""
        self._keep(asyncio.create_task(self.open()))

    def abandon(self) -> None:
        """Stop looking and forget all jobs, those that were written down as well; they run on."""
        for task in (self._poller, *self._tasks):
            if task is not None:
                task.cancel()
        self._poller = None
        self._memory.erase()
        self._memory.close()
        if self.rest.is_open:
            self._keep(asyncio.create_task(self.rest.aclose()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def refresh(self, *, layout: bool = False) -> None:
        """Bring the local view up to date with one list of the jobs, now and then one of nodes and partitions too.

        Whoever had to wait takes what a look brought that began meanwhile: a hundred callers cost two looks at most.
        """
        called = time.monotonic()
        async with self._lock:
            if self._looked_at > called and not layout:
                if self.trouble is not None:
                    raise self.trouble
                return
            begun = time.monotonic()
            try:
                # A job that came back may have done so because its node went down.
                layout |= self._roster.lost_a_node or not self._layout.partitions
                if layout or begun - self._layout_at >= LAYOUT_EVERY:
                    nodes, partitions = await self.rest.nodes(), await self.rest.partitions()
                    self._layout.update_nodes(nodes, self._history, time.time())
                    self._layout.update_partitions(partitions)
                    self._layout_at, self._roster.lost_a_node = begun, False
                asked, asked_at = time.monotonic(), time.time()
                records = await self.rest.jobs(self._roster.finished)
                self._listing = time.monotonic() - asked
            except UnavailableError as error:
                self.trouble, self._looked_at = error, begun
                raise
            self.trouble = None
            for doubt in self._doubts.waiting(self._in_flight):
                if self._roster.claim(doubt, records, time.time()) or doubt.until <= asked_at:
                    self._doubts.over(doubt.tag.token)
            self._roster.update(records, time.time(), self._in_flight, asked_at)
            await missing.judge(self._roster, self.accounting)
            self._read_logs()
            self._layout.occupy(job for job in self._roster.active.values() if job.state is JobState.RUNNING)
            self._looked_at = begun
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
            await self._attend()

    async def look(self) -> None:
        """Look at once, for a caller who does not wait for longer than an answer may take."""
        try:
            async with asyncio.timeout(self.settings.timeout):
                await self.refresh()
        except TimeoutError:
            raise self.trouble or UnavailableError("Slurm does not answer in time") from None

    async def _attend(self) -> None:
        """Do what a new view asks for."""

    async def recall(self, job_id: str) -> None:
        """Ask the accounting for a job that Slurm does not list any more and that this server has never seen."""
        known = job_id in self._roster.jobs or job_id in self._roster.arrays
        if not known and self.trouble is None:
            self._roster.remember(job_id, await self.accounting.find([slurm_key(job_id)]))

    async def _make_way(self, request: JobRequest) -> None:
        """Make the directories above the output path of a job, which jobs of other accounts may want to use as well."""
        if request.output_path and request.working_directory is None:
            try:
                await asyncio.to_thread(self.files.make_way, directory_of(request))
            except OSError as error:
                _log.info("the way to %s is left to the job: %s", request.output_path, error)

    def _look_soon(self) -> None:
        self._pause = self.settings.shortest_pause
        self._hurry.set()

    def _read_logs(self) -> None:
        now = time.time()
        for job in self._roster.active.values():
            if job.state is JobState.RUNNING:
                self._roster.poll_log(job, now)
        for job in list(self._roster.unread.values()):
            self._roster.poll_log(job, now, final=job.state.is_terminal)

    def _relief(self) -> float:
        """Return how long Slurm shall have for other things: a list of very many jobs takes it a while."""
        streaming = time.monotonic() - self._submitted_at < STREAM
        relief = (RELIEF_OF_SUBMITTERS if streaming else RELIEF) * self._listing
        return min(relief, LONGEST_RELIEF)

    async def _poll(self) -> None:
        """Ask again and again: often while jobs are active, ever more rarely while none is."""
        settings = self.settings
        while True:
            busy = bool(self._roster.active or self._roster.unread)
            self._pause = settings.shortest_pause if busy else min(settings.longest_pause, self._pause * _GROWTH)
            since = time.monotonic()
            try:
                async with asyncio.timeout(max(self._pause, self._relief())):
                    await self._hurry.wait()
                await asyncio.sleep(max(settings.shortest_pause, since + self._relief() - time.monotonic()))
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                await self.refresh()
            except ClusterError as error:
                _log.info("%s", error)
            except Exception:
                # Whatever one job brought about, the others must be followed on.
                _log.exception("what Slurm tells cannot be taken over")


def prepare(directory: str) -> None:
    """Make the directory for output, in which every account may make files but not touch those of others."""
    try:
        os.mkdir(directory)
        os.chmod(directory, 0o1777)  # noqa: S103  (as /tmp has it)
    except FileExistsError:
        if os.path.islink(directory) or os.stat(directory).st_uid not in {0, os.geteuid()}:
            raise ValueError(f"{directory} belongs to somebody else") from None
