"""Submissions of which nobody knows yet whether Slurm took them in; those with a key outlive the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.identity import Tag, key_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from mock_server.cluster.backend import ClusterError
    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.slurm.memory import Memory
    from mock_server.cluster.slurm.settings import SlurmSettings


class Doubt(NamedTuple):
    """A submission that went out; ``until`` is when Slurm will have carried it out or never will, as seconds since the epoch."""

    request: JobRequest
    tag: Tag
    partition: str
    account: str
    until: float


class Doubts:
    """Open submissions by token; the clock is the wall's, because another server may have to go on by it."""

    def __init__(self, memory: Memory, settings: SlurmSettings) -> None:
        self._memory = memory
        self._settle = settings.settle
        self._longest = settings.timeout + settings.settle
        self._open: dict[str, Doubt] = {}

    def __contains__(self, token: str) -> bool:
        return token in self._open

    def begin(self, request: JobRequest, tag: Tag, partition: str, account: str) -> None:
        """Note a submission before it goes out."""
        self._note(Doubt(request, tag, partition, account, time.time() + self._longest))

    def failed(self, token: str, error: ClusterError) -> None:
        """Note what an error says of a submission."""
        if isinstance(error, UnansweredError):
            self._note(self._open[token]._replace(until=time.time() + self._settle))
        elif isinstance(error, InDoubtError):
            # Slurm may have it or not, but whoever answered has done with it.
            self._note(self._open[token]._replace(until=time.time()))
        else:
            self.over(token)

    def over(self, token: str) -> None:
        """Forget a submission whose outcome is known; it is erased with whatever is written down next."""
        if self._open.pop(token, None) is not None:
            self._memory.settled(token)

    def recall(self, known: Collection[str]) -> None:
        """Take over what an earlier server left open, but for the ``known`` tokens of jobs."""
        latest = time.time() + self._longest
        for token, request, partition, account, until in self._memory.intents():
            tag = Tag(request.user_id, request.id_form, token, request.queue, request.time_limit)
            # A clock that was set back meanwhile must not make anybody wait for longer.
            self._open[token] = Doubt(request, tag, partition, account, min(until, latest))
            if token in known:
                self.over(token)

    def left(self, token: str) -> float:
        """Return for how many seconds a submission may still be carried out."""
        return max(0.0, self._open[token].until - time.time())

    def waiting(self, in_flight: Collection[str]) -> list[Doubt]:
        """Return what only a list of Slurm's jobs can decide."""
        return [doubt for token, doubt in self._open.items() if token not in in_flight]

    def _note(self, doubt: Doubt) -> None:
        self._open[doubt.tag.token] = doubt
        if key_of(doubt.request) is not None:
            self._memory.intend(doubt.tag.token, doubt.request, doubt.partition, doubt.account, doubt.until)
