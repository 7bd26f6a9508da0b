"""What each node will have free, from now on: steps in time, cut by starts and ends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import islice
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
        self._free = [list(free)]
        # For each shape that was asked about, which nodes could hold a share in each step.
        self._masks: dict[Amounts, list[int]] = {}
        soon = now + OVERDUE_SECONDS
        for end, node, amounts in sorted((end if end > now else soon, node, amounts) for end, node, amounts in running):
            if end > self._times[-1]:
                self._append(end)
            self._add(-1, node, amounts, 1)
        if self._times[-1] < inf:
            self._append(inf)

    def find(self, claim: Claim) -> Slot | None:
        """Return the earliest slot from now on; none if the nodes could never hold the job."""
        first, nodes = self._search(claim)
        start = self._times[first] if nodes else inf
        return Slot(start, start + claim.limit, nodes) if nodes else None

    def find_now(self, claim: Claim) -> Slot | None:
        """Return the slot that begins now, if there is one."""
        # Most fail here, without a look at what comes later.
        able = [node for node in _bits(claim.eligible) if _holds(self._free[0][node], claim.share)]
        if len(able) < (1 if claim.packed else claim.shares):
            return None
        _, nodes = self._search(claim, starts=1)
        return Slot(self.now, self.now + claim.limit, nodes) if nodes else None

    def may_improve(self, claim: Claim, slot: Slot) -> bool:
        """Tell whether a job that holds a slot might find an earlier one, had it not that one.

        Before the start of the slot it makes no difference that the job holds it; so if the job does not fit even there,
        the slot is the earliest.
        """
        held = bisect_left(self._times, slot.start)
        _, nodes = self._search(claim, starts=held, stop=held)
        return bool(nodes)

    def fits(self, slot: Slot, share: Amounts) -> bool:
        """Tell whether a slot, which begins no earlier than now, is free for shares of this size."""
        first = bisect_right(self._times, slot.start) - 1
        return first >= 0 and all(
            _room(self._free[index][node], share) >= count
            for index in range(first, self._until(slot.end))
            for node, count in slot.nodes
        )

    def reserve(self, slot: Slot, share: Amounts) -> None:
        """Take a slot."""
        self._change(slot, share, -1)

    def restore(self, slot: Slot, share: Amounts) -> None:
        """Give a reserved slot back."""
        self._change(slot, share, 1)

    def _search(self, claim: Claim, *, starts: int | None = None, stop: int | None = None) -> tuple[int, Allocation]:
        """Look for nodes that are free for the job's whole limit, or up to step ``stop`` if that is earlier.

        Return the first step that will do, of the first ``starts`` ones, and the nodes; none if there is none.
        """
        look = self._packed if claim.packed else self._spread
        steps = len(self._times)
        return look(claim, steps if starts is None else starts, steps if stop is None else stop)

    def _spread(self, claim: Claim, starts: int, stop: int) -> tuple[int, Allocation]:
        """Give each share a node of its own."""
        here = self._holding(claim.share)
        first = 0
        while first < starts:
            mask, following = self._together(claim, here, first, stop)
            if mask.bit_count() >= claim.shares and not claim.required & ~mask:
                return first, _choose(mask, claim.shares, claim.required)
            first = following
        return 0, ()

    def _together(self, claim: Claim, here: Sequence[int], first: int, stop: int) -> tuple[int, int]:
        """Return the nodes that can hold a share from one step to the end, and the step to try next."""
        eligible, wanted = claim.eligible, claim.shares
        mask = here[first] & eligible
        if mask.bit_count() < wanted:
            return mask, first + 1
        for index in range(first + 1, min(self._until(self._times[first] + claim.limit), stop)):
            mask &= here[index]
            if mask.bit_count() < wanted:
                # If this step alone will not do, nothing that begins before it will.
                alone = (here[index] & eligible).bit_count()
                return mask, index + 1 if alone < wanted else first + 1
        return mask, first + 1

    def _packed(self, claim: Claim, starts: int, stop: int) -> tuple[int, Allocation]:
        """Give each node as many shares as it can hold."""
        nodes = list(_bits(claim.eligible))
        first = 0
        while first < starts:
            rooms, following = self._rooms(claim, nodes, first, stop)
            if _suffices(claim, nodes, rooms):
                return first, _pack(claim, nodes, rooms)
            first = following
        return 0, ()

    def _rooms(self, claim: Claim, nodes: Sequence[int], first: int, stop: int) -> tuple[Sequence[int], int]:
        """Return how many shares each node can hold from one step to the end, and the step to try next."""
        rooms = [_room(self._free[first][node], claim.share) for node in nodes]
        if not _suffices(claim, nodes, rooms):
            return rooms, first + 1
        for index in range(first + 1, min(self._until(self._times[first] + claim.limit), stop)):
            here = [_room(self._free[index][node], claim.share) for node in nodes]
            rooms = list(map(min, rooms, here))
            if not _suffices(claim, nodes, rooms):
                return rooms, first + 1 if _suffices(claim, nodes, here) else index + 1
        return rooms, first + 1

    def _holding(self, share: Amounts) -> list[int]:
        """Return for each step the nodes that could hold a share."""
        masks = self._masks.get(share)
        if masks is None:
            masks = self._masks[share] = [
                sum(1 << node for node, amounts in enumerate(free) if _holds(amounts, share)) for free in self._free
            ]
        return masks

    def _change(self, slot: Slot, share: Amounts, sign: int) -> None:
        self._cut(slot.start)
        self._cut(slot.end)
        for index in range(bisect_left(self._times, slot.start), self._until(slot.end)):
            for node, count in slot.nodes:
                self._add(index, node, share, sign * count)

    def _add(self, index: int, node: int, amounts: Amounts, times: int) -> None:
        """Change what a node has free in one step."""
        cpus, memory, gpus = self._free[index][node]
        now = (cpus + times * amounts[0], memory + times * amounts[1], gpus + times * amounts[2])
        self._free[index][node] = now
        bit = 1 << node
        for share, masks in self._masks.items():
            masks[index] = masks[index] | bit if _holds(now, share) else masks[index] & ~bit

    def _until(self, end: float) -> int:
        # What never ends is there in the last step too, which begins at infinity.
        return len(self._times) if end == inf else bisect_left(self._times, end)

    def _cut(self, at: float) -> None:
        index = bisect_left(self._times, at)
        if self._times[index] != at:
            self._times.insert(index, at)
            self._free.insert(index, self._free[index - 1].copy())
            for masks in self._masks.values():
                masks.insert(index, masks[index - 1])

    def _append(self, at: float) -> None:
        self._times.append(at)
        self._free.append(self._free[-1].copy())


def _holds(free: Amounts, share: Amounts) -> bool:
    return free[0] >= share[0] and free[1] >= share[1] and free[2] >= share[2]


def _room(free: Amounts, share: Amounts) -> int:
    """Return how many shares a node could hold; one that asks for nothing has room without end."""
    return min((have // need for have, need in zip(free, share, strict=True) if need), default=1 << 62)


def _choose(mask: int, wanted: int, required: int) -> Allocation:
    """Return the required nodes and then the first ones."""
    chosen = [*_bits(required), *islice(_bits(mask & ~required), wanted - required.bit_count())]
    return tuple((node, 1) for node in sorted(chosen))


def _pack(claim: Claim, nodes: Sequence[int], rooms: Sequence[int]) -> Allocation:
    """Fill the required nodes and then the first ones."""
    left = claim.shares
    chosen: list[tuple[int, int]] = []
    for node, room in sorted(zip(nodes, rooms, strict=True), key=lambda entry: not claim.required >> entry[0] & 1):
        if room and left:
            chosen.append((node, min(room, left)))
            left -= chosen[-1][1]
    return tuple(sorted(chosen))


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
