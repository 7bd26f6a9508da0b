"""Any series of commands leaves the simulation whole, under every policy."""

from __future__ import annotations

from hypothesis import settings

from mock_server.cluster.priority import Weights
from tests.cluster.machine import ClusterMachine
from tests.support.effort import SOAKING, effort


class EasyMachine(ClusterMachine):
    scheduler = "easy"


class ConservativeMachine(ClusterMachine):
    scheduler = "conservative"
    weights = Weights(qos=3, age=2, size=2, fair_share=2, max_age=60.0)


class PreemptingMachine(ClusterMachine):
    preemption = True


class PreemptingEasyMachine(EasyMachine):
    preemption = True


class PreemptingConservativeMachine(ConservativeMachine):
    preemption = True


TestClusterMachine = ClusterMachine.TestCase
TestEasyMachine = EasyMachine.TestCase
TestConservativeMachine = ConservativeMachine.TestCase
TestPreemptingMachine = PreemptingMachine.TestCase
TestPreemptingEasyMachine = PreemptingEasyMachine.TestCase
TestPreemptingConservativeMachine = PreemptingConservativeMachine.TestCase
TestClusterMachine.settings = settings(
    max_examples=effort(40, 500), stateful_step_count=40, deadline=None, derandomize=not SOAKING
)
for test in (
    TestEasyMachine,
    TestConservativeMachine,
    TestPreemptingMachine,
    TestPreemptingEasyMachine,
    TestPreemptingConservativeMachine,
):
    test.settings = settings(
        max_examples=effort(12, 300), stateful_step_count=30, deadline=None, derandomize=not SOAKING
    )
