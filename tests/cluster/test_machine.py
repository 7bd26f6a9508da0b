"""Any series of commands leaves the simulation whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from mock_server.cluster.backend import NotFoundError, RequestError, StateError
from mock_server.cluster.job import Job, JobState, Resources
from mock_server.cluster.lifecycle import SUCCESSORS
from mock_server.cluster.node import NodeState
from tests.cluster.world import World
from tests.support.effort import effort

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
]
RESOURCES = st.builds(Resources, st.integers(0, 5), st.integers(0, 17).map(lambda gb: gb * 10**9), st.integers(0, 2))


class ClusterMachine(RuleBasedStateMachine):
    """Commands in any order; every event is checked as it happens, the whole after each command."""

    scheduler: SchedulerName = "fcfs"

    jobs: Bundle[Job] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(nodes=3, scheduler=self.scheduler)
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
            nodes = [self.world.cluster.nodes[name] for name in backend.job(event.subject).node_names]
            assert all(node.state is NodeState.READY for node in nodes)

    @rule(target=jobs, command=st.sampled_from(COMMANDS), resources=RESOURCES, options=st.data())
    def submit(self, command: str, resources: Resources, options: st.DataObject) -> Any:
        nodes = options.draw(st.integers(1, 4))
        limit = options.draw(st.none() | st.sampled_from([1.0, 5.0, 30.0]))
        priority = options.draw(st.integers(-2, 2))
        asked = {"resources": resources, "nodes": nodes, "time_limit": limit, "priority": priority}
        culprit = "cpus" if resources.cpus > 4 else "memory" if resources.memory > 16 * 10**9 else None
        if culprit is None:
            return self.world.submit(command, **asked)
        with pytest.raises(RequestError) as caught:
            self.world.submit(command, **asked)
        assert caught.value.field == culprit
        return cast("Any", multiple())

    @rule(job=jobs, reason=st.none() | st.just("enough"))
    def cancel(self, job: Job, reason: str | None) -> None:
        self.attempt(self.world.cancel, job, reason)

    @rule(job=consumes(jobs))
    def delete(self, job: Job) -> None:
        self.world.delete(job)
        self.endings.pop(job.id, None)

    @rule(job=jobs, priority=st.integers(-3, 3), environment=st.none() | st.just({"A": "1"}))
    def update(self, job: Job, priority: int, environment: dict[str, str] | None) -> None:
        self.endings.pop(job.id, None)
        self.attempt(partial(self.world.update, priority=priority, environment=environment), job)

    @rule(job=jobs)
    def hold(self, job: Job) -> None:
        self.attempt(self.world.hold, job)

    @rule(job=jobs)
    def release(self, job: Job) -> None:
        self.attempt(self.world.release, job)

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

    def teardown(self) -> None:
        self.world.scale(nodes=4)
        for name in self.world.cluster.nodes:
            self.world.restore_node(name)
        for job in list(self.world.backend.jobs.values()):
            if not job.state.is_terminal:
                self.world.release(job)
        self.world.finish()
        assert all(job.state.is_terminal for job in self.world.backend.jobs.values())
        assert len(self.world.cluster.nodes) == 4


TestClusterMachine = ClusterMachine.TestCase
TestClusterMachine.settings = settings(max_examples=effort(40, 500), stateful_step_count=40, deadline=None)


class EasyMachine(ClusterMachine):
    """The same with EASY backfill."""

    scheduler = "easy"


class ConservativeMachine(ClusterMachine):
    """The same with conservative backfill."""

    scheduler = "conservative"


TestEasyMachine = EasyMachine.TestCase
TestConservativeMachine = ConservativeMachine.TestCase
TestEasyMachine.settings = TestConservativeMachine.settings = settings(
    max_examples=effort(15, 300), stateful_step_count=40, deadline=None
)
