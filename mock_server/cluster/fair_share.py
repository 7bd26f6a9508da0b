"""Fair share: what each account has used of late against what it may use.

The rule is Slurm's classic one (its page "Classic Fairshare Algorithm"):

Rule 1: usage is CPU seconds; each halves every half-life, ``U(t) = sum of u * 2 ** (-(t - t_u) / half-life)``.
Rule 2: the share of an account is its shares among those of its siblings, times the share of its parent.
Rule 3: the effective usage of a top account is its usage among that of all; below it is
        ``own + (parent's effective - own) * shares among siblings``, so that idle accounts of a busy parent feel it.
Rule 4: the factor is ``2 ** (-effective usage / share)``: 1 with no usage, 0.5 with exactly one's share; an account
        without shares has 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400.0
HALF_LIFE = 7 * DAY
"""Slurm's default of ``PriorityDecayHalfLife``."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many shares an account has beneath its parent, ``None`` for a top account."""

    shares: int = 1
    parent: str | None = None


class DecayingMeter:
    """The decayed integral of a rate that changes in steps, exact at any time and of constant size."""

    def __init__(self, half_life: float) -> None:
        self._decay = log(2) / half_life
        self._at = 0.0
        self._level = 0.0
        self._rate = 0.0

    def add(self, at: float, change: float) -> None:
        """Raise the rate by ``change`` from ``at`` on."""
        if at > self._at:
            self._level = self.level(at)
            self._at = at
        self._rate += change

    def level(self, at: float) -> float:
        """Return what is left at ``at``, at the last change at the earliest."""
        # A rate held for a time t leaves rate / decay * (1 - e ** (-decay * t)).
        remaining = exp(-self._decay * max(0.0, at - self._at))
        return self._level * remaining + self._rate / self._decay * (1.0 - remaining)


class FairShare:
    """The usage of all accounts, and the factor that follows; an unknown account counts as a top one of one share."""

    def __init__(self, accounts: Mapping[str, Share], *, half_life: float = HALF_LIFE) -> None:
        self._accounts = dict(accounts)
        self._half_life = half_life
        self._meters: dict[str, DecayingMeter] = {}

    def allocate(self, account: str, at: float, cpus: float) -> None:
        """Book CPUs that an account has from ``at`` on, negative ones that it gives back."""
        self._accounts.setdefault(account, Share())
        meter = self._meters.get(account)
        if meter is None:
            meter = self._meters[account] = DecayingMeter(self._half_life)
        meter.add(at, cpus)

    def usage(self, account: str, at: float) -> float:
        """Return the decayed CPU seconds of an account and all below it."""
        own = self._meters[account].level(at) if account in self._meters else 0.0
        return own + sum(self.usage(child, at) for child, share in self._accounts.items() if share.parent == account)

    def share(self, account: str) -> float:
        """Return the part of the machine that an account may use, 0 to 1."""
        parent = self._share(account).parent
        return self._among_siblings(account) * (1.0 if parent is None else self.share(parent))

    def effective_usage(self, account: str, at: float) -> float:
        """Return the part of all usage that counts as the account's, 0 to 1."""
        total = sum(self.usage(name, at) for name, share in self._accounts.items() if share.parent is None)
        return self._effective(account, at, total) if total > 0 else 0.0

    def factor(self, account: str, at: float) -> float:
        """Return how much an account deserves to be next, 1 at the most."""
        share = self.share(account)
        return 2.0 ** (-self.effective_usage(account, at) / share) if share > 0 else 0.0

    def _effective(self, account: str, at: float, total: float) -> float:
        own = self.usage(account, at) / total
        parent = self._share(account).parent
        if parent is None:
            return own
        return own + (self._effective(parent, at, total) - own) * self._among_siblings(account)

    def _among_siblings(self, account: str) -> float:
        own = self._share(account)
        everybody = sum(share.shares for share in self._accounts.values() if share.parent == own.parent)
        if account not in self._accounts:
            everybody += own.shares
        return own.shares / everybody if everybody > 0 else 0.0

    def _share(self, account: str) -> Share:
        return self._accounts.get(account, Share())
