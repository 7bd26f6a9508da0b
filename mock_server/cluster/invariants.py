"""What must hold at every instant, whatever the calls were; each rule has a number.

I1 a node's jobs fit into it; I2 a job holds nodes if and only if it runs; I3 timestamps are ordered and agree with the
state; I4 no job is lost or counted twice; I8 only nodes in service have jobs; I10 the number of nodes obeys the policy;
I11 the head of the queue never waits for nodes that are free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster import placement
from mock_server.cluster.job import JobState
from mock_server.cluster.node import NodeState

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    for job in jobs.values():
        _check_times(job)


def check_site(site: Site, jobs: Mapping[str, Job], now: float) -> None:
    """Check one cluster and the jobs on it; nothing may be due at ``now`` any more."""
    own = {job.id: job for job in jobs.values() if job.cluster_id == site.cluster.id}
    for node in site.cluster.nodes.values():
        _check_node(node, own)
    for job in own.values():
        _check_placement(job, site)
        _check_waiting(job, site)
    _check_books(site, own, now)
    _check_size(site)
    head = site.scheduler.queue.head()
    if head is not None:
        free = placement.find(site.cluster.nodes.values(), head.request)
        _require(free is None, "I11", f"job {head.id} could run on free nodes")


def _check_times(job: Job) -> None:
    times = [job.created_at, job.queued_at, job.started_at, job.ended_at, job.updated_at]
    known = [time for time in times if time is not None]
    _require(known == sorted(known), "I3", f"timestamps of {job.id} in order: {times}")
    state = job.state
    _require(job.log.closed == state.is_terminal, "I3", f"log of {job.id} closed at its end")
    _require((job.ended_at is not None) == state.is_terminal, "I3", f"{job.id} has an end if it is {state}")
    _require(state is not JobState.RUNNING or job.started_at is not None, "I3", f"{job.id} runs since some time")
    _require(state not in _WAITING or job.started_at is None, "I3", f"{job.id} waits and has not started")
    _require((state is JobState.COMPLETED) == (job.exit_code == 0), "I3", f"{job.id} completed with exit code 0")


def _check_node(node: Node, jobs: Mapping[str, Job]) -> None:
    held = [
        (jobs[job_id].request.resources, dict(jobs[job_id].allocation).get(node.name, 0)) for job_id in node.running
    ]
    for name in ("cpus", "memory", "gpus"):
        capacity, free = getattr(node.capacity, name), getattr(node.free, name)
        used = sum(shares * getattr(wanted, name) for wanted, shares in held)
        _require(0 <= free == capacity - used, "I1", f"{name} of {node.name}: {capacity} = {used} used + {free} free")
    _require(not node.running or node.state in _SERVING, "I8", f"{node.name} is {node.state} and has jobs")
    _require(node.state is not NodeState.DRAINING or bool(node.running), "I8", f"{node.name} drains a job")
    _require(not node.retiring or bool(node.running), "I8", f"{node.name} stays for a job")


def _check_placement(job: Job, site: Site) -> None:
    holding = tuple(node.name for node in site.cluster.nodes.values() if job.id in node.running)
    running = job.state is JobState.RUNNING
    _require(set(holding) == (set(job.node_names) if running else set()), "I2", f"{job.id} is {job.state} on {holding}")
    shares = sum(shares for _, shares in job.allocation)
    _require(not running or shares == job.request.shares, "I2", f"{job.id} has all its nodes or none")
    _require((job.id in site.executor.processes) == running, "I2", f"{job.id} has a process while it runs")


def _check_waiting(job: Job, site: Site) -> None:
    scheduler = site.scheduler
    places = [job in scheduler.queue, job.id in scheduler.aside]
    if job.state not in _WAITING or job.held:
        _require(not any(places), "I4", f"{job.id} is {job.state} and not in the queue")
        return
    arriving = any(job in jobs for jobs in scheduler.arrivals.values())
    _require(sum(places) == 1 or (arriving and not any(places)), "I4", f"{job.id} waits in one place")


def _check_books(site: Site, jobs: Mapping[str, Job], now: float) -> None:
    running = [job.request for job in jobs.values() if job.state is JobState.RUNNING]
    ledger = site.ledger
    for name, step in (("cpus", ledger.cpus), ("memory", ledger.memory), ("gpus", ledger.gpus)):
        used = sum(request.shares * getattr(request.resources, name) for request in running)
        _require(step.level(now) == used, "I4", f"{name} in the books of {site.cluster.id}: {used}")
    up = sum(node.state in _SERVING for node in site.cluster.nodes.values())
    provided = up * site.cluster.node_shape.cpus
    _require(ledger.total_cpus.level(now) == provided, "I4", f"capacity in the books: {provided}")
    queue = site.scheduler.queue
    _require(queue.cpus == sum(job.request.shares * job.request.resources.cpus for job in queue), "I4", "queued demand")


def _check_size(site: Site) -> None:
    policy, size = site.cluster.scaling, site.fleet.size
    if policy.nodes is not None:
        _require(size == policy.nodes, "I10", f"{size} nodes where {policy.nodes} are set")
    if policy.min_nodes is not None and policy.max_nodes is not None:
        inside = policy.min_nodes <= size <= policy.max_nodes
        _require(inside, "I10", f"{size} nodes in [{policy.min_nodes}, {policy.max_nodes}]")


def _require(holds: bool, rule: str, text: str) -> None:
    if not holds:
        raise AssertionError(f"{rule} violated: {text}")
