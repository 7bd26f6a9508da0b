"""Everything one server knows between two resets."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from mock_server.auth import Credential, KeyRing, Keys
from mock_server.cluster.ranking import WEIGHTS
from mock_server.faults import FaultPlan
from mock_server.idempotency import IdempotencyStore
from mock_server.jobservice.dialect import JOBSERVICE
from mock_server.jobservice.tokens import JobServiceKeys, JwtPolicy
from mock_server.journal import Journal
from mock_server.limits import RateLimiter
from mock_server.pipelines.results import Results
from mock_server.platform.events import describe_event
from mock_server.s9s.credentials import S9SKeys
from mock_server.s9s.dialect import ANONYMOUS, OAUTH_CLIENTS, S9S
from mock_server.s9s.services import Services
from mock_server.storage.store import Store
from mock_server.timekeeping import Timekeeper
from mock_server.webhooks.courier import Courier
from mock_server.webhooks.ledger import FILE as LEDGER, Ledger
from mock_server.webhooks.outbox import Outbox
from mock_server.world import SEEDS, build_world, documented_workflows, teams, users
from mock_server.world.dependencies import Dependencies
from mock_server.world.executions import Executions
from mock_server.world.invoices import Books
from mock_server.world.keys import SCOPES, ApiKeys, Seed
from mock_server.world.tokens import AccessTokens
from mock_server.world.webhooks import Webhooks
from mock_server.world.workflow_store import WorkflowStore
from mock_server.writers import Writers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mock_server.cluster.backend import ClusterBackend
    from mock_server.cluster.founding import SchedulerName
    from mock_server.cluster.priority import Weights
    from mock_server.cluster.slurm.cluster import SlurmCluster
    from mock_server.cluster.slurm.settings import SlurmSettings
    from mock_server.faults import Rule
    from mock_server.routes import Family

LIFETIME = 3600.0
"""Seconds that the rows of a run are kept."""

IdempotencyMode = Literal["replay", "reject", "ignore"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server was created with; a reset goes back to it."""

    seed: int = 0
    clock: str = "real"
    world: str = "documented"
    faults: tuple[Rule, ...] = ()
    rate_limits: bool = True
    idempotency: IdempotencyMode = "replay"
    api_keys: tuple[Credential, ...] = ()
    check_invariants: bool = False
    scheduler: SchedulerName = "fcfs"
    weights: Weights = WEIGHTS
    preemption: bool = False
    control: bool = True
    directory: str | None = None
    storage_quota: int | None = None
    oauth_clients: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    anonymous_s9s: bool = False
    jwt: JwtPolicy = field(default_factory=JwtPolicy)
    slurm: SlurmSettings | None = None


class ServerState:
    """The world, its clock and all bookkeeping of one server."""

    def __init__(self, settings: Settings, families: tuple[Family, ...]) -> None:
        self.settings = settings
        self.closed = False
        self.time = Timekeeper(settings.clock)
        self.slurm: SlurmCluster | None = None
        self.check: Callable[[], None] = _unchecked
        cluster = self.cluster = self._backend(settings)
        self.time.attach(cluster, self.check)
        self.users = users.seeded(self.time.now(), (credential.user_id for credential in settings.api_keys))
        self.teams = teams.seeded(settings.world, self.time.now())
        self.books = Books(cluster, lambda: self.storage, self.time.now, seed=settings.seed)
        # Webhooks outlive the server where the jobs that they tell of do.
        keeps = settings.slurm is not None and settings.directory is not None
        self._ledger = Ledger(os.path.join(settings.directory or "", LEDGER) if keeps else None)
        self._recalled = False
        self.webhooks = Webhooks(settings.world, self.time.now(), seed=settings.seed, ledger=self._ledger)
        self.courier = Courier(
            self.webhooks,
            Outbox(self._ledger),
            self.time,
            lambda event: describe_event(cluster, event),
            seed=settings.seed,
        )
        self.limits = RateLimiter(self.time, enforced=settings.rate_limits)
        self.idempotency = IdempotencyStore(self.time, reject=settings.idempotency == "reject")
        self.faults = FaultPlan(settings.faults, seed=settings.seed)
        self.journal = Journal()
        self.api_keys = workflow_keys(settings, self.users, self.time.now)
        self.workflows = WorkflowStore(self.users, self.time.now)
        self.executions = Executions()
        if settings.world == "documented":
            for workflow in documented_workflows.workflows(self.time.now()):
                self.workflows.add(workflow)
        self._keys: dict[str, Keys] = {
            family.dialect.name: KeyRing((*family.dialect.credentials, *settings.api_keys)) for family in families
        }
        self._keys["workflows"] = self.api_keys
        self._keys["jobservice"] = JobServiceKeys(
            (*JOBSERVICE.credentials, *settings.api_keys),
            settings.jwt,
            now=self.time.now,
            user_named=lambda name: users.named(self.users, name),
        )
        self.dependencies = Dependencies()
        clients = {**OAUTH_CLIENTS, **dict(settings.oauth_clients)}
        self.tokens = AccessTokens(clients, now=self.time.now, seed=settings.seed)
        self._keys["s9s"] = S9SKeys(
            (*S9S.credentials, *settings.api_keys),
            self.tokens,
            now=self.time.now,
            user_named=lambda name: users.named(self.users, name),
            anonymous=ANONYMOUS if settings.anonymous_s9s else None,
        )
        self.s9s = Services(self)
        self._results: Results | None = None
        self._ids: Counter[str] = Counter()
        self._storage: Store | None = None
        self.writers = Writers()

    def _backend(self, settings: Settings) -> ClusterBackend:
        """Return what runs the jobs: a real cluster if the server was given one, else the simulation."""
        if settings.slurm is not None:
            from mock_server.cluster.slurm.cluster import SlurmCluster  # here, because it needs an HTTP client

            self.slurm = SlurmCluster(settings.slurm, state=settings.directory)
            return self.slurm
        now, seed = self.time.now(), settings.seed
        simulated = build_world(
            settings.world,
            now=now,
            seed=seed,
            scheduler=settings.scheduler,
            weights=settings.weights,
            preemption=settings.preemption,
        )
        if settings.check_invariants:
            self.check = simulated.check_invariants
        return simulated

    @property
    def storage(self) -> Store:
        """The files, made or opened at first use."""
        if self._storage is None:
            settings = self.settings
            self._storage = Store(
                settings.directory,
                now=self.time.now,
                seed=settings.seed,
                quota=settings.storage_quota,
                seeds=SEEDS[settings.world],
            )
        return self._storage

    @property
    def results(self) -> Results:
        """The rows of past runs, made at first use, because what reads them takes a while to load."""
        if self._results is None:
            self._results = Results(None, self.time.now, LIFETIME)
            if self.settings.world == "documented":
                for result_id, workflow_id, table in documented_workflows.results():
                    self._results.save(workflow_id, table, result_id=result_id)
        return self._results

    @property
    def honours_keys(self) -> bool:
        """Whether the server knows idempotency keys at all."""
        return self.settings.idempotency != "ignore"

    def keys(self, family: str) -> Keys:
        return self._keys[family]

    def next_request_id(self) -> str:
        """Return the next request id; the same seed gives the same ids."""
        return self.next_id("req")

    def next_id(self, prefix: str) -> str:
        """Return the next id of its kind, as ``req_`` and sixteen digits; the same seed gives the same ids."""
        self._ids[prefix] += 1
        kind = "" if prefix == "req" else f"{prefix}:"
        digest = blake2b(f"{kind}{self.settings.seed}:{self._ids[prefix]}".encode(), digest_size=8).hexdigest()
        return f"{prefix}_{digest}"

    def open(self) -> None:
        """Open what outlives the server: at once, because another one may be using it."""
        if self.settings.directory is not None:
            _ = self.storage
        self._ledger.open()
        if not self._recalled:
            self._recalled = True
            self.webhooks.recall()
            self.courier.outbox.recall()

    def close(self) -> None:
        """Let everybody who follows come to an end, and forget the files."""
        self.closed = True
        self.s9s.close()
        self.courier.close()
        if self.slurm is not None:
            self.slurm.abandon()
        self.time.wake_all()
        if self.settings.directory is not None:
            self.storage.erase()
        self._ledger.erase()
        self.close_storage()

    def close_storage(self) -> None:
        """Give files and rows back to the disk; a temporary directory goes with its files."""
        self._ledger.close()
        if self._storage is not None:
            self._storage.close()
            self._storage = None
        if self._results is not None:
            self._results.close()
            self._results = None


def workflow_keys(settings: Settings, people: Mapping[str, users.User], now: Callable[[], float]) -> ApiKeys:
    """Return the keys of workflows: those of the examples, and those that the server was given."""
    given = (
        Seed(key.key, "Given to the server", user_id=key.user_id, scopes=SCOPES if key.can_write else SCOPES[:1])
        for key in settings.api_keys
    )
    seeds = (*documented_workflows.KEYS, *given)
    return ApiKeys(seeds, documented_workflows.SESSIONS, users=people, now=now, seed=settings.seed)


def _unchecked() -> None:
    """Check nothing."""
