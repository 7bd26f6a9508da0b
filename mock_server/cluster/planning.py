"""Backfill: who starts now, and what is reserved for those that wait.

What the two policies share:

Rule 1 (order): higher priority first, then the order of submission; the caller gives the queue in that order.
Rule 2 (ends): a running job is expected to end at its start plus its time limit, one without a limit never.  One that
        is still there after its limit is expected to end soon.  Ends that come earlier are a reason to plan again.
Rule 3 (shadow time): the start that is reserved for a waiting job is the earliest instant from which its nodes are free
        for its whole time limit, with all ends as expected and with all that is reserved already.
Rule 4 (nodes): particular nodes are reserved, the first that suffice in the order of the nodes, as a real Slurm does.
        With a single node that has all the processors this is the textbook rule, which counts processors.
Rule 5 (extra resources): a job may overtake if it can run for its whole time limit without touching anything reserved:
        it ends by the start of a reservation, or runs on other nodes, or in what the reservation leaves of its nodes.
Rule 6 (promise): a reservation is kept until its job starts; planning again may only move it to an earlier time, in
        the order of the queue.  It falls when a job ahead of it gets its first one, when the order of the queue
        changes, and when its nodes or the job's time limit change.
Rule 7 (lanes): the jobs of a partition form a lane; the rules on heads hold for each lane, on nodes that lanes share.

Rule 8 (limits): a job over a limit on running jobs is passed over and keeps nothing from anybody.  A reservation counts
        as a running job, so that those behind it do not take its place under the limit.

Running jobs stay as they are; see ``preemption`` for who may stop them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_server.cluster.profile import Allocation, Claim, Profile, Slot

DEPTH = 100
"""How many jobs of a lane conservative backfill plans; those behind wait for their turn (Slurm: ``bf_max_job_test``)."""

Reservations = dict[int, "Slot | None"]
"""Slots by the key of the job, in the order of the queue; ``None`` for one that cannot be planned."""


NO_LIMITS: Mapping[Hashable, int] = MappingProxyType({})


@dataclass(slots=True)
class Plan:
    """Which jobs start now and where, in this order, and what is reserved for others."""

    starts: list[tuple[int, Allocation]] = field(default_factory=list["tuple[int, Allocation]"])
    reservations: Reservations = field(default_factory=dict[int, "Slot | None"])


Room = dict[Hashable, int]
"""How many more jobs may run under each limit; a limit that is not there is none."""


class Policy(Protocol):
    """Plan one pass; ``kept`` is what the pass before reserved, ``room`` what the limits leave."""

    def __call__(
        self, profile: Profile, queue: Sequence[Claim], kept: Reservations, room: Mapping[Hashable, int] = NO_LIMITS
    ) -> Plan: ...


def easy(
    profile: Profile, queue: Sequence[Claim], kept: Reservations, room: Mapping[Hashable, int] = NO_LIMITS
) -> Plan:
    """Plan by EASY backfill (Lifka 1995): only the head of each lane has a reservation.

    Every other job starts at once if that does not delay a head (rules 3 and 5), else it waits without a reservation:
    nothing is promised to it, and it may be overtaken again and again.  With limits honoured, and nobody new ahead of
    it, a head starts no later than the shadow time that it got when it became the head.
    """
    return _Planning(profile, kept, room, reserved=1).plan(queue)


def conservative(
    profile: Profile, queue: Sequence[Claim], kept: Reservations, room: Mapping[Hashable, int] = NO_LIMITS
) -> Plan:
    """Plan by conservative backfill (Mu'alem and Feitelson 2001): every job has a reservation, up to ``DEPTH`` a lane.

    A job overtakes only where that delays nobody who was there before it.  With limits honoured, and nobody new ahead
    of it, a job starts no later than the reservation that it got first.  After an early end every job is moved to the
    earliest time that has become possible, in the order of the queue ("compression").
    """
    return _Planning(profile, kept, room, reserved=DEPTH, depth=DEPTH).plan(queue)


class _Planning:
    """One pass: at most ``reserved`` reservations a lane, at most ``depth`` waiting jobs of it looked at."""

    def __init__(
        self,
        profile: Profile,
        kept: Reservations,
        room: Mapping[Hashable, int],
        *,
        reserved: int,
        depth: int | None = None,
    ) -> None:
        self._profile = profile
        self._kept = kept
        self._room = room
        self._reserved = reserved
        self._depth = depth
        self._plan = Plan()

    def plan(self, queue: Sequence[Claim]) -> Plan:
        held = self._hold(queue)
        room = dict(self._room)
        waiting = Counter[str]()
        hopeless = set[tuple[object, ...]]()
        for claim in queue:
            ahead = waiting[claim.lane]
            if (self._depth is not None and ahead >= self._depth) or _is_over(claim, room):
                continue
            if ahead < self._reserved:
                if not self._settle(claim, held.get(claim.key)):
                    waiting[claim.lane] = ahead + 1
                hopeless.clear()
                _count(claim, room)
            elif (shape := _shape(claim)) not in hopeless:
                if self._overtakes(claim):
                    _count(claim, room)
                else:
                    hopeless.add(shape)
        return self._plan

    def _settle(self, claim: Claim, held: Slot | None) -> bool:
        """Start the job if it can start now, else give it the earliest reservation."""
        profile = self._profile
        slot = held
        # Where few are reserved, the nodes are chosen anew in any case: others may have become free at the same time.
        if held is None or self._reserved == 1 or profile.may_improve(claim, held):
            if held is not None:
                profile.restore(held, claim.share)
            slot = profile.find(claim)
            if slot is not None:
                profile.reserve(slot, claim.share)
        if slot is not None and slot.start <= profile.now:
            self._plan.starts.append((claim.key, slot.nodes))
            return True
        self._plan.reservations[claim.key] = slot
        return False

    def _overtakes(self, claim: Claim) -> bool:
        """Start the job if that touches nothing that is reserved."""
        slot = self._profile.find_now(claim)
        if slot is None:
            return False
        self._profile.reserve(slot, claim.share)
        self._plan.starts.append((claim.key, slot.nodes))
        return True

    def _hold(self, queue: Sequence[Claim]) -> Reservations:
        """Return those reservations that are kept (rule 6), and take their slots."""
        present = {claim.key for claim in queue}
        order = iter([key for key in self._kept if key in present])
        held: Reservations = {}
        room = dict(self._room)
        seen = Counter[str]()
        for claim in queue:
            if seen[claim.lane] >= self._reserved or _is_over(claim, room):
                continue
            seen[claim.lane] += 1
            _count(claim, room)
            if next(order, None) != claim.key:
                break
            slot = self._kept[claim.key]
            if slot is not None:
                if not self._still_holds(claim, slot):
                    break
                self._profile.reserve(slot, claim.share)
            held[claim.key] = slot
        return held

    def _still_holds(self, claim: Claim, slot: Slot) -> bool:
        return (
            slot.start >= self._profile.now
            and slot.end == slot.start + claim.limit
            and all(claim.eligible >> node & 1 for node, _ in slot.nodes)
            and self._profile.fits(slot, claim.share)
        )


def _is_over(claim: Claim, room: Room) -> bool:
    return bool(claim.counts) and any(room.get(limit, 1) <= 0 for limit in claim.counts)


def _count(claim: Claim, room: Room) -> None:
    for limit in claim.counts:
        if limit in room:
            room[limit] -= 1


def _shape(claim: Claim) -> tuple[object, ...]:
    return claim.share, claim.shares, claim.eligible, claim.limit, claim.packed, claim.required
