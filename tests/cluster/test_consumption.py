"""What a job uses of what it asked for."""

from __future__ import annotations

import pytest

from mock_server.cluster.consumption import WARM_UP_SECONDS, Appetite, consumption, mean_memory_share, memory_share
from mock_server.cluster.job import Resources
from mock_server.cluster.meter import IDLE, appetite, is_idle
from mock_server.cluster.seeding import Past
from tests.cluster.world import START, World, request

ASKED = Resources(cpus=4, memory=1_000, gpus=2)
HALF = Appetite(cpu=0.5, memory=0.8, gpu=0.25)


def test_the_same_seed_and_number_use_the_same() -> None:
    asked = request("python train.py")
    used = appetite(1, 7, asked)
    assert used == appetite(1, 7, asked)
    assert used != appetite(2, 7, asked)
    assert used != appetite(1, 8, asked)


def test_shares_differ_and_stay_below_one() -> None:
    found = [appetite(0, number, request("./train")) for number in range(300)]
    for shares in zip(*((used.cpu, used.memory, used.gpu) for used in found), strict=True):
        assert 0.3 < min(shares) < 0.6
        assert 0.9 < max(shares) < 1
        assert len(set(shares)) == 300


def test_a_job_that_only_sleeps_uses_almost_nothing() -> None:
    used = appetite(0, 1, request("sleep 3600"))
    assert used is IDLE
    assert consumption(used, ASKED, 1, [(0.0, 3600.0)]).cpu_seconds < 0.01 * 4 * 3600


@pytest.mark.parametrize(
    ("command", "idle"),
    [
        ("sleep 5", True),
        ("echo a; sleep 5 && true", True),
        ("sh -c 'sleep 5'", True),
        ("exit 3", True),
        ("'", True),
        ("./train", False),
        ("sleep 5; ./train", False),
        ("sh -c 'sleep 5; ./train'", False),
        ("for i in 1 2; do ./x; done", False),
        ("srun ./solve", False),
    ],
)
def test_what_is_idle(command: str, idle: bool) -> None:
    assert is_idle(command, None) is idle


def test_an_image_without_a_command_works() -> None:
    assert not is_idle(" ", "pytorch")
    assert is_idle("", None)


def test_all_runs_and_all_shares_count() -> None:
    used = consumption(HALF, ASKED, 3, [(0.0, 100.0), (200.0, 250.0)])
    assert used.cpu_seconds == pytest.approx(0.5 * 4 * 3 * 150)
    assert used.gpu_seconds == pytest.approx(0.25 * 2 * 3 * 150)
    assert used.max_memory == 800 * 3


def test_memory_grows_and_stays() -> None:
    peaks = [consumption(HALF, ASKED, 1, [(0.0, seconds)]).max_memory for seconds in (0, 15, 30, 60, 600)]
    assert peaks == [0, 200, 400, 800, 800]
    assert consumption(HALF, ASKED, 1, []).max_memory == 0
    assert consumption(HALF, ASKED, 1, [(0.0, 60.0), (90.0, 95.0)]).max_memory == 800


def test_mean_memory_is_the_mean_of_the_course() -> None:
    since, until, steps = 10.0, 100.0, 9_000
    width = (until - since) / steps
    expected = sum(memory_share(HALF, since + (step + 0.5) * width) for step in range(steps)) / steps
    assert mean_memory_share(HALF, since, until) == pytest.approx(expected)
    assert mean_memory_share(HALF, 30.0, 30.0) == pytest.approx(0.4)
    assert mean_memory_share(HALF, WARM_UP_SECONDS, 1e6) == pytest.approx(0.8)


def test_a_job_uses_while_it_runs_and_no_longer(world: World) -> None:
    job = world.submit("./train", resources=ASKED, nodes=2, time_limit=500.0)
    assert job.consumption == consumption(HALF, ASKED, 2, [])
    world.wait(1.1)
    used = appetite(0, job.number, job.request)
    assert job.consumption.cpu_seconds == pytest.approx(used.cpu * 4 * 2 * 1.0)
    world.finish()
    seconds = (job.ended_at or 0) - (job.started_at or 0)
    assert job.consumption.cpu_seconds == pytest.approx(used.cpu * 4 * 2 * seconds)
    assert job.consumption.gpu_seconds == pytest.approx(used.gpu * 2 * 2 * seconds)
    before = job.consumption
    world.wait(1000)
    assert job.consumption == before


def test_members_of_a_gang_and_earlier_runs_count(world: World) -> None:
    job = world.submit("sleep 100", resources=Resources(1, 1_000), gang=3)
    world.wait(10.1)
    world.fail_node(job.node_names[0])
    world.finish()
    assert job.consumption.cpu_seconds == pytest.approx(IDLE.cpu * 3 * 110)
    assert job.consumption.max_memory == 3 * 10


def test_a_job_with_a_past_has_used_already(world: World) -> None:
    past = Past(created_at=START - 200, started_at=START - 100, runs_for=50.0)
    job = world.backend.adopt("job_9", request("./train", resources=ASKED), past)
    assert job.consumption.cpu_seconds == pytest.approx(appetite(0, job.number, job.request).cpu * 4 * 100)
