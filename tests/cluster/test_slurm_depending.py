"""Jobs that depend on others which Slurm has forgotten; no Slurm is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import Dependency, Job
from tests.cluster.slurm_bench import Bench

if TYPE_CHECKING:
    from mock_server.cluster.job import DependencyKind


def _ended(bench: Bench, code: int) -> Job:
    job = bench.submit((1, code))
    bench.wait(3)
    assert job.state.is_terminal
    return job


def _after(bench: Bench, kind: DependencyKind, *others: Job) -> str:
    """Submit a job that depends on others and return what Slurm is told of that."""
    job = bench.submit((1, 0), dependencies=tuple(Dependency(kind, other.id) for other in others))
    assert len(job.dependencies) == len(others)
    return bench.work(job).dependency


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_slurm_is_not_told_of_what_is_met(bench: Bench, *, is_forgotten: bool) -> None:
    done, failed = _ended(bench, 0), _ended(bench, 3)
    runs = bench.submit((100, 0))
    if is_forgotten:
        del bench.slurm.works[1], bench.slurm.works[2]
    assert _after(bench, "afterok", done) == ""
    assert _after(bench, "afterok", done, runs) == "afterok:3"
    assert _after(bench, "afternotok", failed) == ""
    assert _after(bench, "afterany", done, failed) == ""


@pytest.mark.parametrize(("kind", "code"), [("afterok", 3), ("afternotok", 0)])
def test_what_can_never_be_met_is_left_to_slurm_unless_it_has_forgotten(
    bench: Bench, kind: DependencyKind, code: int
) -> None:
    ended = _ended(bench, code)
    assert _after(bench, kind, ended) == f"{kind}:1"
    del bench.slurm.works[1]
    with pytest.raises(RequestError, match=f"{ended.id}.*has not ended so") as refused:
        _after(bench, kind, ended)
    assert refused.value.field == "dependencies"
    assert 1 not in bench.slurm.works
