"""How time passes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mock_server import MockServer
from mock_server.timekeeping import MANUAL_START, Timekeeper, make_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

JOB = {"name": "n", "command": "echo a; sleep 100; echo b"}


def states(client: httpx.Client, job_id: str, count: int) -> list[str]:
    return [client.get(f"/v1/jobs/{job_id}").json()["status"] for _ in range(count)]


def test_a_manual_clock_stands_still(server: MockServer, client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=JOB).json()
    assert states(client, job["id"], 3) == ["pending"] * 3
    assert server.now() == MANUAL_START
    assert server.advance(50) == MANUAL_START + 50
    assert states(client, job["id"], 2) == ["running"] * 2
    assert client.get("/v1/jobs").headers["Date"] == "Mon, 15 Jan 2024 10:35:50 GMT"


def test_run_until_idle_ends_everything(server: MockServer, client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=JOB).json()
    assert server.run_until_idle() >= MANUAL_START + 3600
    assert states(client, job["id"], 1) == ["completed"]
    assert server.run_until_idle() == server.now()


def test_an_automatic_clock_jumps_when_a_job_is_polled(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(clock="auto", world="empty")
    client = make_client(server)
    job = client.post("/v1/jobs", json=JOB).json()
    assert client.get("/v1/clusters").status_code == 200
    assert server.now() == MANUAL_START
    seen = states(client, job["id"], 8)
    assert seen[0] == "pending"
    assert "running" in seen
    assert seen[-1] == "completed"
    ended = server.now()
    assert ended == pytest.approx(MANUAL_START + 100, abs=1)
    states(client, job["id"], 3)
    assert server.now() == ended


def test_an_automatic_clock_jumps_when_a_list_with_active_jobs_is_polled(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    server = make_server(clock="auto", world="empty")
    client = make_client(server)
    assert client.get("/v1/jobs").json()["total"] == 0
    client.post("/v1/jobs", json=JOB)
    for _ in range(8):
        client.get("/v1/jobs?status=completed")
    assert server.now() == MANUAL_START
    for _ in range(8):
        client.get("/v1/jobs")
    assert client.get("/v1/jobs?status=completed").json()["total"] == 1


def test_a_fast_clock_runs_by_itself_and_can_skip() -> None:
    server = MockServer(clock="x1000")
    start = server.now()
    assert server.advance(3600) - start >= 3600
    assert server.app.state.time.caller_delay(server.now() + 1000) == pytest.approx(1, abs=0.5)


def test_the_real_clock_is_the_time_of_day() -> None:
    server = MockServer()
    assert abs(server.now() - MANUAL_START) > 365 * 24 * 3600
    assert server.cluster.job("job-12345").state == "running"
    server.advance(10)
    assert server.cluster.job("job-12345").state == "completed"
    assert server.cluster.job("job-67890").state == "completed"


@pytest.mark.parametrize("mode", ["", "slow", "x", "x0", "x-1", "X60", "60"])
def test_modes_that_do_not_exist(mode: str) -> None:
    with pytest.raises(ValueError, match=r"clock|factor"):
        make_clock(mode)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_time_does_not_go_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        MockServer(clock="manual").advance(seconds)


def test_something_that_never_ends_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MockServer(clock="manual")
    monkeypatch.setattr("mock_server.timekeeping.MAX_STEPS", 2)
    with pytest.raises(RuntimeError, match="pending"):
        server.run_until_idle()


def test_who_gave_up_waiting_is_not_woken() -> None:
    time = MockServer(clock="manual").app.state.time

    async def give_up() -> bool:
        waiting = asyncio.ensure_future(time.wait("job_123", 60))
        await asyncio.sleep(0)
        waiting.cancel()
        time.wake_all()
        await asyncio.wait([waiting])
        return waiting.cancelled()

    assert asyncio.run(give_up())


def test_a_clock_needs_a_cluster() -> None:
    with pytest.raises(RuntimeError, match="cluster"):
        Timekeeper("manual").catch_up()


def test_the_same_seed_and_calls_give_the_same_history(
    make_server: Callable[..., MockServer], make_client: Callable[..., httpx.Client]
) -> None:
    def history(seed: int) -> list[object]:
        server = make_server(seed=seed)
        make_client(server).post("/v1/jobs", json={"name": "n", "command": "python train.py"})
        server.run_until_idle()
        return list(server.cluster.events())

    assert history(1) == history(1)
    assert history(1) != history(2)
