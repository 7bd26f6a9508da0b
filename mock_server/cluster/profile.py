"""What each node will have free, from now on: steps in time, cut by starts and ends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

OVERDUE_SECONDS = 1.0

Amounts = tuple[int, int, int]
"""CPUs, bytes of memory, GPUs."""

Allocation = tuple[tuple[int, int], ...]
"""Node numbers, each with the number of shares there."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a waiting job asks for.

    ``shares`` times ``share``, each on a node of its own unless they are ``packed``; on ``eligible`` nodes, all of the
    ``required`` ones among them, both given as bits by node number; for ``limit`` seconds, ``inf`` without a time
    limit.  ``lane`` is where it queues: a job may block those behind it in its lane, no others.  ``counts`` are the
    limits on running jobs that it is under.
    """

    key: int
    share: Amounts
    shares: int
    eligible: int
    limit: float = inf
    lane: str = ""
    packed: bool = False
    required: int = 0
    counts: tuple[Hashable, ...] = ()


class Slot(NamedTuple):
    """When and where a job could run."""

    start: float
    end: float
    nodes: Allocation


class Profile:
    """Free resources by node over time, beginning with ``free`` at ``now`` and growing as ``running`` shares end.

    ``running`` has ``(end, node number, amounts)``.  What has no end, ``inf``, is free in a last step that begins there:
    after all that can be foreseen.  So a job that has to wait for it is planned at ``inf``, and only what itself never
    ends can be in its way.  What should have ended already is expected to end ``OVERDUE_SECONDS`` from now.
    """

    def __init__(self, now: float, free: Sequence[Amounts], running: Iterable[tuple[float, int, Amounts]] = ()) -> None:
        self.now = now
        self._times = [now]
        self._steps = [_Step(list(free), {})]
        soon = now + OVERDUE_SECONDS
        for end, node, amounts in sorted((end if end > now else soon, node, amounts) for end, node, amounts in running):
            if end > self._times[-1]:
                self._append(end)
            self._steps[-1].change(node, amounts, 1)
        if self._times[-1] < inf:
            self._append(inf)

    def find(self, claim: Claim) -> Slot | None:
        """Return the earliest slot from now on; none if the nodes could never hold the job."""
        look = self._packed if claim.packed else self._spread
        index = 0
        while index < len(self._times):
            nodes, following = look(claim, index)
            if nodes is not None:
                start = self._times[index]
                return Slot(start, start + claim.limit, nodes)
            index = following
        return None

    def find_now(self, claim: Claim) -> Slot | None:
        """Return the slot that begins now, if there is one."""
        nodes, _ = (self._packed if claim.packed else self._spread)(claim, 0)
        return None if nodes is None else Slot(self.now, self.now + claim.limit, nodes)

    def fits(self, slot: Slot, share: Amounts) -> bool:
        """Tell whether a slot, which begins no earlier than now, is free for shares of this size."""
        first = bisect_right(self._times, slot.start) - 1
        return first >= 0 and all(
            self._steps[index].room(node, share) >= count
            for index in range(first, self._until(slot.end))
            for node, count in slot.nodes
        )

    def reserve(self, slot: Slot, share: Amounts) -> None:
        """Take a slot."""
        self._change(slot, share, -1)

    def restore(self, slot: Slot, share: Amounts) -> None:
        """Give a reserved slot back."""
        self._change(slot, share, 1)

    def _spread(self, claim: Claim, first: int) -> tuple[Allocation | None, int]:
        """Look for nodes from step ``first`` on, one share on each; else say which step to try next."""
        steps, share, wanted, required = self._steps, claim.share, claim.shares, claim.required
        mask = claim.eligible
        for index in range(first, self._until(self._times[first] + claim.limit)):
            here = steps[index].mask(share)
            mask &= here
            if mask.bit_count() < wanted or required & ~mask:
                alone = claim.eligible & here
                impossible = alone.bit_count() < wanted or required & ~alone
                return None, index + 1 if impossible else first + 1
        chosen = list(_bits(required))
        for node in _bits(mask & ~required):
            if len(chosen) >= wanted:
                break
            chosen.append(node)
        return tuple((node, 1) for node in sorted(chosen)), first

    def _packed(self, claim: Claim, first: int) -> tuple[Allocation | None, int]:
        """Look for nodes from step ``first`` on, as many shares on each as it can hold."""
        nodes = list(_bits(claim.eligible))
        least = [claim.shares] * len(nodes)
        for index in range(first, self._until(self._times[first] + claim.limit)):
            here = [self._steps[index].room(node, claim.share) for node in nodes]
            least = list(map(min, least, here))
            if not _suffices(claim, nodes, least):
                return None, first + 1 if _suffices(claim, nodes, here) else index + 1
        left = claim.shares
        chosen: list[tuple[int, int]] = []
        for node, room in sorted(zip(nodes, least, strict=True), key=lambda entry: not claim.required >> entry[0] & 1):
            if room and left:
                chosen.append((node, min(room, left)))
                left -= chosen[-1][1]
        return tuple(sorted(chosen)), first

    def _change(self, slot: Slot, share: Amounts, sign: int) -> None:
        self._cut(slot.start)
        self._cut(slot.end)
        for index in range(bisect_left(self._times, slot.start), self._until(slot.end)):
            step = self._steps[index]
            for node, count in slot.nodes:
                step.change(node, share, sign * count)

    def _until(self, end: float) -> int:
        # What never ends is there in the last step too, which begins at infinity.
        return len(self._times) if end == inf else bisect_left(self._times, end)

    def _cut(self, at: float) -> None:
        index = bisect_left(self._times, at)
        if self._times[index] != at:
            self._times.insert(index, at)
            self._steps.insert(index, self._steps[index - 1].copy())

    def _append(self, at: float) -> None:
        self._steps.append(self._steps[-1].copy())
        self._times.append(at)


class _Step(NamedTuple):
    """What is free between two instants, and for the shapes asked about, which nodes could hold a share."""

    free: list[Amounts]
    masks: dict[Amounts, int]

    def copy(self) -> _Step:
        return _Step(self.free.copy(), self.masks.copy())

    def mask(self, share: Amounts) -> int:
        mask = self.masks.get(share)
        if mask is None:
            cpus, memory, gpus = share
            mask = 0
            for node, (free_cpus, free_memory, free_gpus) in enumerate(self.free):
                if free_cpus >= cpus and free_memory >= memory and free_gpus >= gpus:
                    mask |= 1 << node
            self.masks[share] = mask
        return mask

    def room(self, node: int, share: Amounts) -> int:
        """Return how many shares a node could hold; one that asks for nothing has room without end."""
        return min((have // need for have, need in zip(self.free[node], share, strict=True) if need), default=1 << 62)

    def change(self, node: int, amounts: Amounts, times: int) -> None:
        cpus, memory, gpus = self.free[node]
        more_cpus, more_memory, more_gpus = amounts
        now = (cpus + times * more_cpus, memory + times * more_memory, gpus + times * more_gpus)
        self.free[node] = now
        bit = 1 << node
        for shape, mask in self.masks.items():
            fits = now[0] >= shape[0] and now[1] >= shape[1] and now[2] >= shape[2]
            self.masks[shape] = mask | bit if fits else mask & ~bit


def _suffices(claim: Claim, nodes: Sequence[int], rooms: Sequence[int]) -> bool:
    return sum(rooms) >= claim.shares and all(
        room > 0 for node, room in zip(nodes, rooms, strict=True) if claim.required >> node & 1
    )


def _bits(mask: int) -> Iterator[int]:
    """Yield the numbers of the set bits, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
