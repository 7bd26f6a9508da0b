"""What the real backend makes of the records of Slurm's accounting; those of a real 22.05.8, no Slurm is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.consumption import UNMEASURED, Consumption
from mock_server.cluster.slurm import account_records as records
from mock_server.cluster.slurm.directory import Directory

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "slurmdb_v0.0.38.json").read_text())
BURNER, REQUEUED, CANCELLED, TASK = RECORDED["jobs"]


def newer(value: Any) -> Any:
    """Return a record as v0.0.40 and later write it: words in lists, numbers that may be missing in groups."""
    if isinstance(value, list):
        return [newer(each) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {name: newer(each) for name, each in value.items()}
    for name in ("current", "administrator_level"):
        if isinstance(changed.get(name), str):
            changed[name] = ["PENDING", "REQUEUED"] if changed[name] == "REQUEUED" else [changed[name]]
    if isinstance(changed.get("state"), str):
        changed["state"] = [changed["state"]]
    for name in ("task_id", "priority", "user", "job"):
        if name in changed and not isinstance(changed[name], str | dict | list):
            number = changed[name]
            changed[name] = {"set": number is not None, "infinite": False, "number": number or 0}
    return changed


def used(*raws: dict[str, Any], started: int = 1) -> Consumption | None:
    return records.consumption(map(records.usage_record, raws), started)


@pytest.mark.parametrize("version", [lambda raw: raw, newer])
def test_a_job_used_what_its_steps_did(version: Any) -> None:
    assert used(version(BURNER)) == Consumption(pytest.approx(3.128691), None, 89808896)  # type: ignore[arg-type]
    assert used(version(TASK)) == Consumption(pytest.approx(0.024666), None, None)  # type: ignore[arg-type]
    assert records.usage_record(version(TASK)).key == "3_1"
    assert used(version(CANCELLED), version(REQUEUED)) == Consumption(pytest.approx(1.197428), None, None)  # type: ignore[arg-type]


def test_what_is_not_all_there_yet_is_waited_for() -> None:
    running = {**BURNER, "state": {"current": "RUNNING"}}
    unfinished = {**BURNER, "steps": [{**BURNER["steps"][0], "state": "RUNNING"}]}
    beginning = {**BURNER, "steps": [], "time": {**BURNER["time"], "end": 0}}
    without = {**BURNER, "steps": []}
    found = [used(raw) for raw in (running, unfinished, beginning, without, REQUEUED)]
    assert [*found, used()] == [None] * 6


def test_what_was_not_watched_is_not_nothing() -> None:
    unwatched = {**BURNER, "steps": [{**BURNER["steps"][0], "time": {"total": {"seconds": 0, "microseconds": 0}}}]}
    assert used(unwatched) == UNMEASURED
    assert used(CANCELLED, started=1) == UNMEASURED  # of an older version that gives the last run only
    assert used(BURNER, started=2) == UNMEASURED


def test_much_memory_is_counted() -> None:
    step = BURNER["steps"][0]
    for count, expected in ((3 * 2**40, 3 * 2**40), (2**64 - 2, None), (-2, None)):
        tres = {"requested": {"total": [{"type": "mem", "count": count}], "max": []}}
        found = used({**BURNER, "steps": [{**step, "tres": tres}]})
        assert found is not None
        assert found.max_memory == expected


@pytest.mark.parametrize("version", [lambda raw: raw, newer])
def test_who_may_use_what(version: Any) -> None:
    directory = Directory({"user_1": "nobody", "user_2": "nobody"})
    assert (list(directory.accounts), list(directory.qos), directory.admin_levels) == (
        ["root", "default"],
        ["normal"],
        {},
    )
    directory.update(*(map(version, RECORDED[name]) for name in ("associations", "users", "QOS")))
    accounts = {name: (account.shares, account.parent) for name, account in directory.accounts.items()}
    assert accounts == {"root": (1, None), "proj": (1, "root")}
    high = directory.qos["high"]
    assert (high.priority, high.max_jobs_per_user, high.max_wall) == (100, 5, 86_400.0)
    assert (directory.qos["normal"].max_jobs_per_user, directory.qos["normal"].max_wall) == (None, None)
    assert directory.admin_levels == {"user_1": "operator", "user_2": "operator", "root": "administrator"}
    own = [each for each in directory.associations(["gpu", "normal"]) if each.user_id == "user_2"]
    assert [(each.account, each.partition, each.qos) for each in own] == [
        ("proj", "gpu", ("high", "normal")),
        ("proj", "normal", ("high", "normal")),
        ("root", "gpu", ("normal",)),
    ]
