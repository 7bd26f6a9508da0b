"""The examples run as a user runs them: as programs, and the notebook in a kernel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from mock_server import MockServer
from tests.docs.blocks import ROOT

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"


@pytest.fixture
def address() -> Iterator[dict[str, str]]:
    """The environment that leads to a fresh server."""
    with MockServer(clock="auto") as server:
        yield {"VANTAGE_BASE_URL": server.url, "VANTAGE_API_KEY": "your-api-key"}


def output_of(name: str, **variables: str) -> str:
    """Run an example and return what it prints; a warning or anything on standard error fails."""
    command = [sys.executable, "-W", "error", "-m", f"examples.{name}"]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_sync_jobs(address: dict[str, str]) -> None:
    lines = output_of("sync_jobs", **address).splitlines()
    assert sorted(lines[:4]) == [
        "gpu-cluster: 4 nodes",
        "hpc-cluster: 8 nodes",
        "my-cluster: 4 nodes",
        "specific-cluster: 2 nodes",
    ]
    assert lines[4:] == ["hello", "bye", "hello completed with exit code 0"]


def test_async_jobs(address: dict[str, str]) -> None:
    lines = output_of("async_jobs", **address).splitlines()
    assert sorted(lines) == [f"part-{n} completed: part {n} done" for n in range(3)]


def test_an_example_that_fails_is_noticed(address: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="AuthenticationError"):
        output_of("sync_jobs", **{**address, "VANTAGE_API_KEY": "wrong"})


def test_demo(tmp_path: Path) -> None:
    shown = output_of("demo", TMPDIR=str(tmp_path))
    for line in (
        r"specific-cluster  running   on-premises  local          2  128 cores, 1024GB, 0 GPUs",
        r"  train     job_\w{10}  pending",
        r"  \[#{30}\] 25165824 of 25165824 bytes",
        r"  \| loading /datasets/demo/samples.bin",
        r"  \| epoch 3 loss 0.31",
        r"  3 of 3 done: \w+ \w+",
        r"  broken    job_\w{10}  failed     NonZeroExitCode, exit code 2",
        r"  train     job_\w{10}  completed  exit code 0",
        r"  endless   job_\w{10}  cancelled  not needed any more",
        r"  on the cluster: /outputs/job_\w{10}/result.txt \(14 bytes\)",
        r"  \[#{30}\] 14 of 14 bytes",
        r"  here: .*result.txt with 'accuracy 0.93'",
    ):
        assert re.search(f"^{line}$", shown, re.MULTILINE), line
    [path] = re.findall(r"^Output of train: (.*)$", shown, re.MULTILINE)
    assert Path(path).read_text(encoding="utf-8").splitlines()[-1] == "done"


def test_transfer(tmp_path: Path) -> None:
    state = tmp_path / "state"
    lines = output_of("transfer", TMPDIR=str(tmp_path), VANTAGE_STATE_DIR=str(state)).splitlines()
    for line in (
        r"  2 done, 0 skipped, 0 failed, 25165845 bytes in .* s",
        r"  1 done, 1 skipped, 0 failed, 21 bytes in .* s",
        r"  \| reading /datasets/wind",
        r"  1 7.4; 2 9.1",
        r"  the connection was closed 5165824 bytes before the end",
        r"  there is no half file: True",
        r"  the same: True",
    ):
        assert any(re.fullmatch(line, shown) for shown in lines), line
    resumed = lines[lines.index("  there is no half file: True") + 1]
    assert int(resumed.split()[0]) >= 20_000_000
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def execute(content: Any) -> Any:
    """Run a notebook in a kernel; skip where no kernel can start."""
    try:
        return NotebookClient(
            content, timeout=60, kernel_name="python3", resources={"metadata": {"path": ROOT}}
        ).execute()
    except (DeadKernelError, RuntimeError, OSError) as problem:
        pytest.skip(f"no kernel can start here: {problem}")


def test_the_notebook_is_kept_without_outputs() -> None:
    content = notebook()
    nbformat.validate(content)
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)


@pytest.mark.filterwarnings("ignore")  # of the kernel's libraries, not of ours
def test_the_notebook_runs() -> None:
    done = execute(notebook())
    shown = "\n".join(str(output) for cell in done.cells for output in cell.get("outputs", []))
    assert "epoch 2" in shown
    assert "accuracy.txt" in shown
    assert "| train | completed |" in shown


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_that_fails_is_noticed() -> None:
    broken = notebook()
    broken.cells = [nbformat.v4.new_code_cell("assert 1 == 2")]
    with pytest.raises(CellExecutionError):
        execute(broken)


def test_workflow() -> None:
    assert output_of("workflow").splitlines() == [
        "a workflow",
        "  workflow 43 has 5 nodes and 0 problems",
        "  305 rows in 3 currencies, the smallest amount above 100",
        "  told #sales-alerts about 305 rows",
        "a webhook",
        "  job.completed: train, exit code 0",
    ]


def test_parameter_sweep() -> None:
    assert output_of("parameter_sweep").splitlines()[-2:] == [
        "  32 rows in /datasets/sweep/results.csv, the last: 31 31.5",
        "  reduce wrote: all points are there",
    ]
