"""What must hold at every instant, whatever the calls were; each rule has a number.

I1 a node's jobs fit into it, and no GPU has two; I2 a job holds nodes if and only if it runs; I3 timestamps are ordered
and agree with the state; I4 no job is lost or counted twice; I5 a gang runs whole or not at all; I6 no job is ahead of
what it depends on; I8 only nodes in service have jobs; I9 retries are as many and as late as was asked for; I10 the
number of nodes obeys the policy; I11 the first job of a partition never waits for nodes that are free.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mock_server.cluster import placement
from mock_server.cluster.job import RETRY_SECONDS, JobState
from mock_server.cluster.node import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mock_server.cluster.core import Core
    from mock_server.cluster.job import Job
    from mock_server.cluster.node import Node
    from mock_server.cluster.registry import Registry
    from mock_server.cluster.site import Site

_SERVING = frozenset({NodeState.READY, NodeState.DRAINING})
_WAITING = frozenset({JobState.PENDING, JobState.QUEUED})


def check_registry(registry: Registry) -> None:
    """Check the jobs by themselves."""
    jobs = registry.jobs
    _require(registry.submitted == len(jobs) + registry.deleted, "I4", "submitted = present + deleted")
    created = [job.created_at for job in jobs.values()]
    _require(created == sorted(created), "I4", "jobs are listed oldest first")
    tasks = {job.id for job in jobs.values() if job.array is not None}
    listed = [job.id for array in registry.arrays.values() for job in array]
    _require(len(listed) == len(tasks) and set(listed) == tasks, "I4", "every task is in its array")
    for job in jobs.values():
        _check_times(job)
        _check_retries(job)


def check_core(core: Core, jobs: Mapping[str, Job]) -> None:
    """Check what jobs of all clusters share."""
    running = Counter(limit for job in jobs.values() if job.state is JobState.RUNNING for limit in core.limits.of(job))
    _require(running == Counter(core.limits.running), "I4", f"jobs count for their limits: {running}")
    for job in jobs.values():
        if job.state is JobState.RUNNING:
            for limit in core.limits.of(job):
                most = core.limits.most(job, limit)
                _require(running[limit] <= most, "I4", f"{limit.reason} keeps {job.id} among {most}")
    for job_id, conditions in core.dependencies.unmet.items():
        dependent = jobs.get(job_id)
        waits = dependent is not None and dependent.state in _WAITING
        _require(waits, "I6", f"{job_id} waits for others")
        verdicts = [condition.holds() for condition in conditions]
        _require(True not in verdicts, "I6", f"{job_id} waits for what has come about")
        if dependent is not None and not dependent.held:
            reason = "DependencyNeverSatisfied" if False in verdicts else "Dependency"
            _require(dependent.reason == reason, "I6", f"{job_id} says {reason} and not {dependent.reason}")


def check_site(site: Site, core: Core, jobs: Mapping[str, Job], now: float) -> None:
    """Check one cluster and the jobs on it; nothing may be due at ``now`` any more."""
    own = {job.id: job for job in jobs.values() if job.cluster_id == site.cluster.id}
    for node in site.cluster.nodes.values():
        _check_node(node, own)
    arriving = {job.id for jobs in site.scheduler.arrivals.values() for job in jobs}
    for job in own.values():
        _check_placement(job, site)
        _check_waiting(job, site, arriving, apart=job.held or job.id in core.dependencies.unmet)
    _check_books(site, own.values(), now)
    _check_size(site)
    _check_heads(site, core)


def _check_times(job: Job) -> None:
    state = job.state
    times = [job.created_at, *(at for run in job.earlier_runs for at in run), job.queued_at, job.started_at]
    known = [time for time in (*times, job.ended_at, job.updated_at) if time is not None]
    _require(known == sorted(known), "I3", f"timestamps of {job.id} in order: {known}")
    _require(job.log.closed == state.is_terminal, "I3", f"log of {job.id} closed at its end")
    _require((job.ended_at is not None) == state.is_terminal, "I3", f"{job.id} has an end if it is {state}")
    _require(state is not JobState.RUNNING or job.started_at is not None, "I3", f"{job.id} runs since some time")
    _require(state not in _WAITING or job.started_at is None, "I3", f"{job.id} waits and has not started")
    _require((state is JobState.COMPLETED) == (job.exit_code == 0), "I3", f"{job.id} completed with exit code 0")
    eligible = job.started_at is None or (job.eligible_at is not None and job.eligible_at <= job.started_at)
    _require(eligible, "I6", f"{job.id} has started after it could compete")


def _check_retries(job: Job) -> None:
    request = job.request
    _require(job.retries <= request.max_retries, "I9", f"{job.retries} retries of {job.id}")
    runs = len(job.earlier_runs)
    _require(runs == job.restarts + job.retries, "I9", f"{job.id} has run {runs} times before")
    if job.retries and job.reason == "BeginTime" and job.restarts == 0 and job.eligible_at is not None:
        pause = RETRY_SECONDS * request.backoff_multiplier ** (job.retries - 1)
        waits = job.eligible_at - job.earlier_runs[-1][1]
        _require(abs(waits - pause) < 1e-3, "I9", f"{job.id} waits {waits} s before it tries again, not {pause}")


def _check_node(node: Node, jobs: Mapping[str, Job]) -> None:
    held = [
        (jobs[job_id].request.resources, dict(jobs[job_id].allocation).get(node.name, 0)) for job_id in node.running
    ]
    for name in ("cpus", "memory", "gpus"):
        capacity, free = getattr(node.capacity, name), getattr(node.free, name)
        used = sum(shares * getattr(wanted, name) for wanted, shares in held)
        _require(0 <= free == capacity - used, "I1", f"{name} of {node.name}: {capacity} = {used} used + {free} free")
    ids = [gpu for job_id in node.running for gpu in _gpus(jobs[job_id], node)]
    _require(len(ids) == len(set(ids)) and set(ids) == node.gpus_in_use, "I1", f"GPUs of {node.name}: {ids}")
    _require(set(ids) <= set(range(node.capacity.gpus)), "I1", f"GPUs of {node.name} exist: {ids}")
    _require(not node.running or node.state in _SERVING, "I8", f"{node.name} is {node.state} and has jobs")
    _require(node.state is not NodeState.DRAINING or bool(node.running), "I8", f"{node.name} drains a job")
    _require(not node.retiring or bool(node.running), "I8", f"{node.name} stays for a job")


def _gpus(job: Job, node: Node) -> tuple[int, ...]:
    wanted = job.request.resources.gpus
    if not wanted:
        return ()
    (own,) = [
        (shares, ids) for (name, shares), ids in zip(job.allocation, job.gpu_ids, strict=True) if name == node.name
    ]
    _require(len(own[1]) == own[0] * wanted, "I1", f"{job.id} has {own[1]} of {node.name}")
    return own[1]


def _check_placement(job: Job, site: Site) -> None:
    holding = {node.name for node in site.cluster.nodes.values() if job.id in node.running}
    running = job.state is JobState.RUNNING
    _require(holding == (set(job.node_names) if running else set()), "I2", f"{job.id} is {job.state} on {holding}")
    shares = sum(shares for _, shares in job.allocation)
    rule = "I2" if job.request.gang is None else "I5"
    _require(not running or shares == job.request.shares, rule, f"{job.id} has all its nodes or none")
    _require((job.id in site.executor.processes) == running, "I2", f"{job.id} has a process while it runs")


def _check_waiting(job: Job, site: Site, arriving: set[str], *, apart: bool) -> None:
    scheduler = site.scheduler
    places = [job in scheduler.queue, job.id in scheduler.aside]
    if job.state not in _WAITING or apart:
        _require(not any(places), "I4", f"{job.id} is {job.state} and not in the queue")
        return
    _require(sum(places) == 1 or (job.id in arriving and not any(places)), "I4", f"{job.id} waits in one place")


def _check_books(site: Site, jobs: Iterable[Job], now: float) -> None:
    running = [job.request for job in jobs if job.state is JobState.RUNNING]
    ledger = site.ledger
    for name, step in (("cpus", ledger.cpus), ("memory", ledger.memory), ("gpus", ledger.gpus)):
        used = sum(request.shares * getattr(request.resources, name) for request in running)
        _require(step.level(now) == used, "I4", f"{name} in the books of {site.cluster.id}: {used}")
    up = sum(node.state in _SERVING for node in site.cluster.nodes.values())
    provided = up * site.cluster.node_shape.cpus
    _require(ledger.total_cpus.level(now) == provided, "I4", f"capacity in the books: {provided}")
    for lane in site.scheduler.queue.lanes.values():
        asked = sum(job.request.shares * job.request.resources.cpus for _, _, job in lane.entries.values())
        _require(bool(lane.entries) and lane.cpus == asked, "I4", f"queued demand: {lane.cpus} CPUs, not {asked}")


def _check_size(site: Site) -> None:
    policy, size = site.cluster.scaling, site.fleet.size
    if policy.nodes is not None:
        _require(size == policy.nodes, "I10", f"{size} nodes where {policy.nodes} are set")
    if policy.min_nodes is not None and policy.max_nodes is not None:
        inside = policy.min_nodes <= size <= policy.max_nodes
        _require(inside, "I10", f"{size} nodes in [{policy.min_nodes}, {policy.max_nodes}]")


def _check_heads(site: Site, core: Core) -> None:
    """Go through the queue as the scheduler does: nobody may be able to start."""
    scheduler = site.scheduler
    for job in scheduler.aside.values():
        _require(scheduler.obstacles.of(job) is not None, "I11", f"nothing is in the way of {job.id}")
    if scheduler.backfill is not None:
        return
    kept: set[Node] = set()
    closed: set[str] = set()
    for (_, _, job), lane in sorted(scheduler.queue.heads()):
        if lane.partition in closed or core.limits.exceeded(job, lane.limits) is not None:
            continue
        _require(scheduler.obstacles.of(job) is None, "I11", f"job {job.id} can never start")
        candidates = scheduler.candidates(job)
        free = placement.find([node for node in candidates if node not in kept], job.request)
        _require(free is None, "I11", f"job {job.id} could run on free nodes")
        if scheduler.preemption is not None:
            lesser = scheduler.preemption.victims(job, [node for node in candidates if node not in kept])
            _require(not lesser, "I11", f"job {job.id} could have the nodes of others: {len(lesser)}")
        closed.add(lane.partition)
        kept.update(candidates)


def _require(holds: bool, rule: str, text: str) -> None:
    if not holds:
        raise AssertionError(f"{rule} violated: {text}")
