"""Preemption: who has to make way for whom.  Off by default.

The rules are those of Slurm's ``PreemptType=preempt/qos`` with ``PreemptMode=REQUEUE``:

Rule 1: the first job of a partition that has to wait for nodes may take those of running jobs whose quality of service
        has a lower priority than its own.  Among equals nobody is stopped, whatever the priority of the job itself.
Rule 2: who goes first: the lowest quality of service, then the lowest requested priority, then the latest start.
Rule 3: nobody is stopped in vain: all of them together must give the job what it asks for, and those that turn out not
        to be needed are spared, the most important first.
Rule 4: a job that is stopped goes back to the queue as after the failure of a node: it keeps its id and its log, counts
        a restart and may start again after the same pause.  It is not asked first, as with a ``GraceTime`` of 0.
Rule 5: nodes that are kept for a job ahead are not taken.  What backfill has reserved is planned anew afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster import placement
from mock_server.cluster.job import JobState, Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mock_server.cluster.executor import Process
    from mock_server.cluster.job import Job
    from mock_server.cluster.layout import Qos
    from mock_server.cluster.node import Node


class Preemption:
    """Stops the running jobs of one cluster that have to make way."""

    def __init__(
        self, qos: Mapping[str, Qos], processes: Mapping[str, Process], make_way: Callable[[Job, Job], None]
    ) -> None:
        self._qos = qos
        self._processes = processes
        self._make_way = make_way

    def victims(self, job: Job, nodes: Iterable[Node]) -> list[Job]:
        """Return who would have to stop so that a job fits on these nodes."""
        return victims(job, [process.job for process in self._processes.values()], list(nodes), self._qos)

    def clear(self, job: Job, nodes: Iterable[Node]) -> bool:
        """Stop them, and tell whether there were any."""
        found = self.victims(job, nodes)
        for other in found:
            # A listener may have cancelled it by now.
            if other.state is JobState.RUNNING:
                self._make_way(other, job)
        return bool(found)


def victims(job: Job, running: Iterable[Job], nodes: Sequence[Node], qos: Mapping[str, Qos]) -> list[Job]:
    """Return which running jobs have to stop so that ``job`` fits on ``nodes``; none if that does not help."""
    own = qos[job.qos].priority
    names = {node.name for node in nodes}
    lesser = [other for other in running if qos[other.qos].priority < own and not names.isdisjoint(other.node_names)]
    if not lesser or not _fits(job, nodes, lesser):
        return []
    lesser.sort(key=lambda other: (qos[other.qos].priority, other.priority, -(other.started_at or 0.0), -other.number))
    needed = next(count for count in range(1, len(lesser) + 1) if _fits(job, nodes, lesser[:count]))
    chosen = lesser[:needed]
    for other in reversed(chosen[:-1]):
        rest = [one for one in chosen if one is not other]
        if _fits(job, nodes, rest):
            chosen = rest
    return chosen


def _fits(job: Job, nodes: Sequence[Node], gone: Iterable[Job]) -> bool:
    """Tell whether the job would have its nodes if others were gone."""
    given = [(name, shares, other.request.resources) for other in gone for name, shares in other.allocation]
    back: dict[str, Resources] = {}
    for name, shares, each in given:
        had = back.get(name, _NOTHING)
        back[name] = Resources(
            had.cpus + shares * each.cpus, had.memory + shares * each.memory, had.gpus + shares * each.gpus
        )
    return placement.find(nodes, job.request, back) is not None


_NOTHING = Resources(0, 0, 0)
