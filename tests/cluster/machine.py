"""A machine that gives a simulated cluster commands in any order; see ``test_machine``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from mock_server.cluster.backend import NotFoundError, RequestError, StateError
from mock_server.cluster.job import Dependency, Job, JobState, Resources
from mock_server.cluster.layout import Qos, QueueInfo
from mock_server.cluster.lifecycle import SUCCESSORS
from mock_server.cluster.node import NodeState
from mock_server.cluster.priority import Weights
from mock_server.cluster.ranking import WEIGHTS
from tests.cluster.world import World

if TYPE_CHECKING:
    from mock_server.cluster.event import Event
    from mock_server.cluster.founding import SchedulerName

COMMANDS = [
    "true",
    "false",
    "echo hi; sleep 5; echo ho",
    "sleep 50",
    "seq 2500",
    "./train",
    "echo a > f; cat f; exit 3",
    "trap 'echo bye; sleep 3; exit 2' TERM; sleep 60",
    "trap '' TERM; sleep 60; false",
]
RESOURCES = st.builds(Resources, st.integers(0, 5), st.integers(0, 17).map(lambda gb: gb * 10**9), st.integers(0, 2))
KINDS: Any = ["after", "afterok", "afternotok", "afterany"]
PARTITIONS = [None, "left", "right"]


class ClusterMachine(RuleBasedStateMachine):
    """Commands in any order; every event is checked as it happens, the whole after each command."""

    scheduler: SchedulerName = "fcfs"
    weights: Weights = WEIGHTS
    preemption = False
    jobs: Bundle[Job] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(nodes=3, scheduler=self.scheduler, weights=self.weights, preemption=self.preemption)
        self.world.add_partition("left", (1, 2), max_time=40.0, max_nodes=1)
        self.world.add_partition("right", (2, 3), default_time=30.0)
        facility = self.world.backend._facility
        facility.queues["narrow"] = QueueInfo("narrow", 2)
        facility.qos["few"] = Qos("few", priority=1, max_jobs_per_user=1, max_wall=45.0)
        self.states: dict[str, JobState] = {}
        self.endings: dict[str, tuple[Any, ...]] = {}
        self.world.backend.subscribe(self.follow)

    def follow(self, event: Event) -> None:
        backend = self.world.backend
        if event.kind == "job.created":
            self.states[event.subject] = JobState.PENDING
        elif event.kind.startswith("job.") and event.kind not in {"job.deleted", "job.log"}:
            state, before = JobState(event.data["state"]), self.states[event.subject]
            assert state is before or state in SUCCESSORS[before]
            self.states[event.subject] = state
        if event.kind == "job.started":
            job = backend.job(event.subject)
            nodes = [self.world.cluster.nodes[name] for name in job.node_names]
            assert all(node.state is NodeState.READY for node in nodes)
            assert set(job.node_names) <= set(backend.partitions[job.partition].node_names)
            assert set(job.request.required_nodes) <= set(job.node_names)
            assert not job.held
            assert job.id not in backend._core.dependencies.unmet

    @rule(target=jobs, command=st.sampled_from(COMMANDS), resources=RESOURCES, options=st.data())
    def submit(self, command: str, resources: Resources, options: st.DataObject) -> Any:
        nodes = options.draw(st.integers(1, 4))
        limit = options.draw(st.none() | st.sampled_from([1.0, 5.0, 30.0]))
        priority = options.draw(st.integers(-2, 2))
        asked: dict[str, Any] = {"nodes": nodes, "time_limit": limit, "priority": priority}
        culprit = "cpus" if resources.cpus > 4 else "memory" if resources.memory > 16 * 10**9 else None
        return self.attempt_to_submit(culprit, command, resources=resources, **asked)

    @rule(
        target=jobs,
        command=st.sampled_from(COMMANDS),
        resources=st.builds(Resources, st.integers(0, 4), st.just(0), st.integers(0, 2)),
        partition=st.sampled_from(PARTITIONS),
        gang=st.none() | st.integers(1, 7),
        limit=st.none() | st.sampled_from([5.0, 35.0, 50.0]),
        more=st.fixed_dictionaries(
            {},
            optional={
                "queue": st.just("narrow"),
                "qos": st.just("few"),
                "max_retries": st.integers(0, 2),
                "backoff_multiplier": st.sampled_from([0.5, 3.0]),
                "hold": st.booleans(),
                "required_nodes": st.sampled_from([("main-002",), ("main-003",)]),
                "user_id": st.just("bob"),
            },
        ),
    )
    def submit_with_options(self, command: str, more: dict[str, Any], limit: float | None, **asked: Any) -> Any:
        wanted = more.get("required_nodes", ())
        partitions = self.world.backend.partitions
        there = partitions[asked["partition"] or "main"].node_names
        missing = "required_nodes" if not set(wanted) <= set(there) else None
        closed = partitions[asked["partition"] or "main"].state in {"DRAIN", "INACTIVE"}
        return self.attempt_to_submit("partition" if closed else missing, command, time_limit=limit, **asked, **more)

    @rule(
        target=jobs,
        kind=st.sampled_from(KINDS),
        others=st.lists(jobs, min_size=1, max_size=2),
        command=st.sampled_from(COMMANDS),
    )
    def submit_after(self, kind: Any, others: list[Job], command: str) -> Any:
        gone = any(other.id not in self.world.backend.jobs for other in others)
        dependencies = tuple(Dependency(kind, other.id) for other in others)
        return self.attempt_to_submit("dependencies" if gone else None, command, dependencies=dependencies)

    @rule(target=jobs, command=st.sampled_from(COMMANDS))
    def submit_singleton(self, command: str) -> Any:
        return self.world.submit(command, name="single", dependencies=(Dependency("singleton"),))

    @rule(target=jobs, command=st.sampled_from(COMMANDS), size=st.integers(1, 4), limit=st.none() | st.integers(1, 2))
    def submit_array(self, command: str, size: int, limit: int | None) -> Any:
        first = self.world.submit(command, array=tuple(range(size)), array_limit=limit)
        return multiple(*self.world.backend.array(cast("str", first.array_job_id)))

    def attempt_to_submit(self, culprit: str | None, command: str, **asked: Any) -> Any:
        if culprit is None:
            return self.world.submit(command, **asked)
        with pytest.raises(RequestError) as caught:
            self.world.submit(command, **asked)
        assert caught.value.field == culprit
        return cast("Any", multiple())

    @rule(job=jobs, reason=st.none() | st.just("enough"))
    def cancel(self, job: Job, reason: str | None) -> None:
        self.attempt(self.world.cancel, job, reason)

    @rule(job=jobs, signal=st.sampled_from(["SIGTERM", "SIGINT", "SIGKILL"]), force=st.booleans())
    def cancel_by_signal(self, job: Job, signal: str, force: bool) -> None:
        self.attempt(partial(self.world.cancel, signal=signal, force=force), job)

    @rule(job=consumes(jobs))
    def delete(self, job: Job) -> None:
        self.world.delete(job)
        self.endings.pop(job.id, None)

    @rule(job=jobs, priority=st.integers(-3, 3), environment=st.none() | st.just({"A": "1"}))
    def update(self, job: Job, priority: int, environment: dict[str, str] | None) -> None:
        self.endings.pop(job.id, None)
        self.attempt(partial(self.world.update, priority=priority, environment=environment), job)

    @rule(job=jobs, priority=st.integers(-3, 3))
    def set_priority(self, job: Job, priority: int) -> None:
        self.attempt(self.world.set_priority, job, priority)

    @rule(job=jobs, reason=st.none() | st.just("why not"))
    def hold(self, job: Job, reason: str | None) -> None:
        self.attempt(self.world.hold, job, reason)

    @rule(job=jobs)
    def release(self, job: Job) -> None:
        self.attempt(self.world.release, job)

    @rule(job=jobs, action=st.sampled_from(["hold", "release", "cancel"]))
    def command_the_array(self, job: Job, action: str) -> None:
        tasks = self.world.backend._registry.arrays.get(job.array_job_id or "")
        if tasks is not None:
            over = all(task.state.is_terminal for task in tasks)
            try:
                getattr(self.world, action)(job.array_job_id)
            except StateError:
                assert over

    def attempt(self, command: Any, job: Job, *arguments: Any) -> None:
        before = job.state
        try:
            command(job, *arguments)
        except StateError:
            assert before.is_terminal or before is JobState.RUNNING

    @rule(nodes=st.integers(0, 5))
    def scale(self, nodes: int) -> None:
        self.world.scale(nodes=nodes)

    @rule(lowest=st.integers(0, 3), more=st.integers(0, 3), aim=st.sampled_from([None, 0.5, 1.0]))
    def scale_range(self, lowest: int, more: int, aim: float | None) -> None:
        self.world.scale(min_nodes=lowest, max_nodes=lowest + more, target_utilization=aim)

    @rule(number=st.integers(0, 5), action=st.sampled_from(["fail_node", "restore_node", "restore_node", "drain_node"]))
    def touch_node(self, number: int, action: str) -> None:
        names = list(self.world.cluster.nodes)
        try:
            getattr(self.world, action)(names[number] if number < len(names) else "nowhere")
        except NotFoundError:
            assert number >= len(names)

    @rule(number=st.integers(0, 2), timeout=st.sampled_from([0.0, 5.0]))
    def drain_for_a_time(self, number: int, timeout: float) -> None:
        names = list(self.world.cluster.nodes)
        if number < len(names):
            self.world.drain_node(names[number], timeout)

    @rule(name=st.sampled_from(["left", "right"]), state=st.sampled_from(["UP", "UP", "DOWN", "DRAIN", "INACTIVE"]))
    def set_partition_state(self, name: str, state: Any) -> None:
        self.world.backend.set_partition_state(name, state)

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0, 7.0, 60.0, 600.0]))
    def advance(self, seconds: float) -> None:
        self.world.backend.advance(self.world.backend.now + seconds)

    @rule()
    def next_event(self) -> None:
        at = self.world.backend.next_event_at()
        if at is not None:
            self.world.backend.advance(at)

    @invariant()
    def is_whole(self) -> None:
        self.world.backend.check_invariants()

    @invariant()
    def endings_are_final(self) -> None:
        for job in self.world.backend.jobs.values():
            assert self.states[job.id] is job.state
            if job.state.is_terminal:
                ending = (job.state, job.exit_code, job.signal, job.ended_at, job.updated_at, len(job.log.lines))
                assert self.endings.setdefault(job.id, ending) == ending

    @invariant()
    def places_are_counted(self) -> None:
        backend = self.world.backend
        waiting = backend.waiting("narrow")
        assert [backend.queue_position(job.id) for job in waiting] == list(range(1, len(waiting) + 1))
        listed = {
            job.id
            for job in backend.jobs.values()
            if job.queue == "narrow" and job.state in {JobState.PENDING, JobState.QUEUED}
        }
        assert {job.id for job in waiting} == listed

    def teardown(self) -> None:
        """Let everything be possible again: then only what can never be waits on."""
        backend = self.world.backend
        for name in ("left", "right"):
            backend.set_partition_state(name, "UP")
            backend.partitions[name].members = None
        backend.partitions["left"].max_time = backend.partitions["left"].max_nodes = None
        self.world.scale(nodes=7)
        for name in self.world.cluster.nodes:
            self.world.restore_node(name)
        for job in list(backend.jobs.values()):
            if not job.state.is_terminal:
                self.world.release(job)
        self.world.finish()
        for job in backend.jobs.values():
            assert job.state.is_terminal or job.reason in _HOPELESS or _lacks_nodes(job)
        assert len(self.world.cluster.nodes) == 7


_HOPELESS = {"DependencyNeverSatisfied", "QOSMaxWallDurationPerJobLimit"}


def _lacks_nodes(job: Job) -> bool:
    """Tell whether a job waits for nodes that have gone, or for such a job."""
    return job.reason == "Dependency" or (job.reason or "").startswith("ReqNodeNotAvail")
