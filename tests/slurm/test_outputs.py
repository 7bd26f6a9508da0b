"""What jobs leave in their output directories is in the storage, whoever runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples import parameter_sweep
from mock_server import MockServer
from tests.support.slurm import Site
from vantage_sdk import ResourceNotFoundError, S9SClient, VantageClient

QUICK: dict[str, Any] = {"poll_interval": 0.2, "timeout": 60.0, "raise_on_failure": True}


@pytest.fixture(params=["simulated", "slurmrestd", "commands"])
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    if request.param == "simulated":
        with MockServer(world="empty", clock="auto", rate_limits=False) as running:
            yield running
    else:
        site: Site = request.getfixturevalue("site")
        settings = site.settings() if request.param == "slurmrestd" else site.without_slurmrestd()
        with MockServer(slurm=settings, world="empty", rate_limits=False) as running:
            yield running


@pytest.fixture
def client(server: MockServer) -> Iterator[VantageClient]:
    with VantageClient("your-api-key", server.url) as running:
        yield running


def content(client: VantageClient, path: str) -> bytes:
    with client.storage.open(path, "rb") as file:
        return bytes(file.read())


def test_files_of_a_job_are_listed_read_and_removed(client: VantageClient, tmp_path: Path) -> None:
    job = client.jobs.submit({"name": "writer", "command": "echo 42 > result.txt; echo more >> result.txt"})
    client.jobs.wait(job.id, **QUICK)
    folder = f"/outputs/{job.id}"
    (listed,) = client.storage.list(folder)
    assert (listed.path, listed.size, listed.name) == (f"{folder}/result.txt", 8, "result.txt")
    assert [file.path for file in client.jobs.output(job.id).files] == [listed.path]
    assert [file.path for file in client.jobs.get(job.id, include=["outputs"]).outputs or ()] == [listed.path]
    assert [entry.path for entry in client.storage.list("/outputs") if entry.path == folder] == [folder]
    assert listed.path in [file.path for file in client.storage.list_all("/", recursive=True)]
    assert client.storage.get(listed.id).etag == listed.etag
    assert content(client, listed.path) == b"42\nmore\n"
    with client.storage.open(listed.path, "rb") as file:
        file.seek(3)
        assert file.read(4) == b"more"
    client.storage.download(listed.path, tmp_path / "result.txt")
    assert (tmp_path / "result.txt").read_bytes() == b"42\nmore\n"
    client.storage.delete(listed.path)
    assert client.jobs.output(job.id).files == []
    with pytest.raises(ResourceNotFoundError):
        client.storage.get(listed.id)


def test_a_job_may_say_where_its_files_are_to_be(client: VantageClient) -> None:
    place = "/results/some run; $(date) 'q'"
    job = client.jobs.submit({"name": "placed", "command": "echo 1 > a", "output_path": place})
    client.jobs.wait(job.id, **QUICK)
    assert [file.path for file in client.storage.list(place)] == [f"{place}/a"]
    out = client.jobs.submit({"name": "out", "command": "echo 1 > b", "output_path": "/../../../etc/vantage"})
    client.jobs.wait(out.id, **QUICK)
    assert [file.path for file in client.jobs.output(out.id).files] == ["/etc/vantage/b"]
    assert not Path("/etc/vantage").exists()


def test_every_task_of_an_array_has_a_directory_of_its_own(server: MockServer, client: VantageClient) -> None:
    with S9SClient(base_url=server.s9s_url, token="YOUR_TOKEN") as s9s:
        array = s9s.jobs.submit(script="echo $SLURM_ARRAY_TASK_ID > n", name="array", array="2-3")
        s9s.jobs.wait_all([f"{array.job_id}_{task}" for task in (2, 3)], poll_interval=0.2, timeout=60.0)
    found = {task: content(client, f"/outputs/{array.job_id}_{task}/n") for task in (2, 3)}
    assert found == {2: b"2\n", 3: b"3\n"}


def test_the_example_of_a_sweep_is_the_same_on_all(server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    parameter_sweep.main(server.url)
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "  reduce: COMPLETED",
        "  32 rows in /datasets/sweep/results.csv, the last: 31 31.5",
        "  reduce wrote: all points are there",
    ]


def test_an_upload_hides_a_file_of_a_job(client: VantageClient) -> None:
    job = client.jobs.submit({"name": "hidden", "command": "echo theirs > a"})
    client.jobs.wait(job.id, **QUICK)
    path = f"/outputs/{job.id}/a"
    with pytest.raises(Exception, match="There is a file at"):
        client.storage.upload_bytes(b"ours", path)
    with pytest.raises(Exception, match="is a directory"):
        client.storage.upload_bytes(b"ours", f"/outputs/{job.id}")
    with pytest.raises(Exception, match="is a file"):
        client.storage.upload_bytes(b"ours", f"{path}/below")
    client.storage.upload_bytes(b"ours", path, overwrite=True)
    assert content(client, path) == b"ours"
    assert [file.size for file in client.storage.list(f"/outputs/{job.id}")] == [4]
