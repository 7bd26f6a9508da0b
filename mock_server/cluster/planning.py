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

Nobody is preempted: preemption is not built.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mock_server.cluster.profile import Allocation, Claim, Profile, Slot

DEPTH = 100
"""How many jobs of a lane conservative backfill plans; those behind wait for their turn (Slurm: ``bf_max_job_test``)."""

Reservations = dict[int, "Slot | None"]
"""Slots by the key of the job, in the order of the queue; ``None`` for one that cannot be planned."""


@dataclass(slots=True)
class Plan:
    """Which jobs start now and where, in this order, and what is reserved for others."""

    starts: list[tuple[int, Allocation]] = field(default_factory=list["tuple[int, Allocation]"])
    reservations: Reservations = field(default_factory=dict[int, "Slot | None"])


class Policy(Protocol):
    """Plan one pass; ``kept`` is what the pass before reserved."""

    def __call__(self, profile: Profile, queue: Sequence[Claim], kept: Mapping[int, Slot | None]) -> Plan: ...


def easy(profile: Profile, queue: Sequence[Claim], kept: Mapping[int, Slot | None]) -> Plan:
    """Plan by EASY backfill (Lifka 1995): only the head of each lane has a reservation.

    Every other job starts at once if that does not delay a head (rules 3 and 5), else it waits without a reservation:
    nothing is promised to it, and it may be overtaken again and again.  With limits honoured, and nobody new ahead of
    it, a head starts no later than the shadow time that it got when it became the head.
    """
    return _plan(profile, queue, kept, reserved=1, depth=None)


def conservative(profile: Profile, queue: Sequence[Claim], kept: Mapping[int, Slot | None]) -> Plan:
    """Plan by conservative backfill (Mu'alem and Feitelson 2001): every job has a reservation, up to ``DEPTH`` a lane.

    A job overtakes only where that delays nobody who was there before it.  With limits honoured, and nobody new ahead
    of it, a job starts no later than the reservation that it got first.  After an early end every job is moved to the
    earliest time that has become possible, in the order of the queue ("compression").
    """
    return _plan(profile, queue, kept, reserved=DEPTH, depth=DEPTH)


def _plan(
    profile: Profile, queue: Sequence[Claim], kept: Mapping[int, Slot | None], *, reserved: int, depth: int | None
) -> Plan:
    result = Plan()
    slots = _keep(profile, queue, kept, reserved)
    waiting = Counter[str]()
    hopeless = set[tuple[object, ...]]()
    for claim in queue:
        ahead = waiting[claim.lane]
        if depth is not None and ahead >= depth:
            continue
        slot = slots.get(claim.key)
        if slot is not None:
            profile.restore(slot, claim.share)
            hopeless.clear()
        if ahead < reserved:
            found = profile.find(claim)
        elif (shape := _shape(claim)) in hopeless:
            continue
        elif (found := profile.find_now(claim)) is None:
            hopeless.add(shape)
        if found is not None:
            profile.reserve(found, claim.share)
        if found is not None and found.start <= profile.now:
            result.starts.append((claim.key, found.nodes))
            continue
        waiting[claim.lane] = ahead + 1
        if ahead < reserved:
            result.reservations[claim.key] = found
    return result


def _keep(profile: Profile, queue: Sequence[Claim], kept: Mapping[int, Slot | None], reserved: int) -> Reservations:
    """Return those reservations that still hold (rule 6), and take their slots."""
    present = {claim.key for claim in queue}
    order = iter([key for key in kept if key in present])
    held: Reservations = {}
    seen = Counter[str]()
    for claim in queue:
        if seen[claim.lane] >= reserved:
            continue
        seen[claim.lane] += 1
        if next(order, None) != claim.key:
            break
        slot = kept[claim.key]
        if slot is not None:
            if not _holds(profile, claim, slot):
                break
            profile.reserve(slot, claim.share)
        held[claim.key] = slot
    return held


def _holds(profile: Profile, claim: Claim, slot: Slot) -> bool:
    return (
        slot.start >= profile.now
        and slot.end == slot.start + claim.limit
        and all(claim.eligible >> node & 1 for node, _ in slot.nodes)
        and profile.fits(slot, claim.share)
    )


def _shape(claim: Claim) -> tuple[object, ...]:
    return claim.share, claim.shares, claim.eligible, claim.limit, claim.packed, claim.required
