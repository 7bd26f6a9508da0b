"""What jobs leave in their output directories is in the storage, whoever runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples import parameter_sweep
from mock_server import MockServer
from mock_server.cluster.job import JobRequest
from tests.slurm.backends import COMMANDS, SIMULATED, SLURMRESTD, served
from tests.support.slurm import Site
from vantage_sdk import ResourceNotFoundError, S9SClient, VantageClient

QUICK: dict[str, Any] = {"poll_interval": 0.2, "timeout": 60.0, "raise_on_failure": True}


@pytest.fixture(params=[SIMULATED, SLURMRESTD, COMMANDS])
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with served(request) as running:
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


@pytest.fixture(params=[SLURMRESTD, COMMANDS])
def real(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with served(request) as running:
        yield running


def ran(client: VantageClient, command: str, **more: Any) -> str:
    job = client.jobs.submit({"name": "leaves", "command": command, **more})
    client.jobs.wait(job.id, **QUICK)
    return job.id


def test_scripts_of_any_interpreter_and_gangs_begin_in_their_directory(real: MockServer) -> None:
    with VantageClient("your-api-key", real.url) as client:
        python = "#!/usr/bin/env python3\nimport os\nos.mkdir('sub')\nopen('sub/y', 'w').write(os.getcwd())"
        job_id = ran(client, python)
        place = content(client, f"/outputs/{job_id}/sub/y").decode()
        assert place.endswith(f"/files/outputs/{job_id}")
        shown = client.jobs.get(job_id)
        assert (shown.working_directory, shown.command) == (place, python)
        gang = real.cluster.submit(JobRequest("gang", "echo > member-$SLURM_PROCID", "user_456", gang=2))
        client.jobs.wait(gang.id, **QUICK)
        assert {file.name for file in client.storage.list(f"/outputs/{gang.id}")} == {"member-0", "member-1"}


def test_ranges_hold_for_one_version(server: MockServer, client: VantageClient) -> None:
    place = f"/digits-{server.url.rpartition(':')[2]}"
    ran(client, "echo 0123456789 > digits", output_path=place)
    (file,) = client.storage.list(place)
    with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer your-api-key"}) as plain:
        url = f"/v1/storage/files/{file.id}"
        etag = plain.get(f"{url}/download").headers["etag"]
        part = plain.get(f"{url}/download", headers={"Range": "bytes=3-5", "If-Range": etag})
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"345", "bytes 3-5/11")
        assert plain.get(f"{url}/download", headers={"Range": "bytes=99-"}).status_code == 416
        ran(client, "echo abcdefghij > digits", output_path=place)
        url = f"/v1/storage/files/{client.storage.list(place)[0].id}"
        other = plain.get(f"{url}/download", headers={"Range": "bytes=3-5", "If-Range": etag})
        assert (other.status_code, other.content) == (200, b"abcdefghij\n")
        assert plain.get(f"{url}/download", headers={"If-Match": etag}).status_code == 412
        assert plain.delete(url, headers={"If-Match": etag}).status_code == 412
        assert plain.delete(url, headers={"If-Match": other.headers["etag"]}).status_code == 204


def test_traps_of_a_job_are_not_shown(real: MockServer) -> None:
    with VantageClient("your-api-key", real.url) as client:
        traps = (
            "ln -s /etc/passwd link; ln -s / root; mkfifo pipe; mkdir -p a/b; ln -s ../../.. a/up; echo good > a/b/c"
        )
        folder = f"/outputs/{ran(client, traps)}"
        assert [file.path for file in client.storage.list(folder, recursive=True)] == [f"{folder}/a/b/c"]
        assert not client.storage.list(f"{folder}/root/etc").items
        with pytest.raises(ResourceNotFoundError):
            client.storage.get(f"{folder}/link")


def test_files_are_known_after_a_restart(site: Site, tmp_path: Path) -> None:
    settings, name = site.settings(), f"kept-{os.getpid()}"
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        with VantageClient("your-api-key", server.url) as client:
            own, named = ran(client, "echo 1 > a"), ran(client, "echo 2 > b", output_path=f"/{name}")
            before, place = list(client.storage.list(f"/{name}")), client.jobs.get(named).working_directory
    with MockServer(slurm=settings, world="empty", state=tmp_path) as server:
        with VantageClient("your-api-key", server.url) as client:
            assert [file.name for file in client.jobs.output(own).files] == ["a"]
            assert [file.path for file in client.jobs.output(named).files] == [f"/{name}/b"]
            assert list(client.storage.list(f"/{name}")) == before
            assert client.jobs.get(named).working_directory == place
    with MockServer(slurm=settings, world="empty") as server:
        with VantageClient("your-api-key", server.url) as client:
            assert content(client, f"/outputs/{own}/a") == b"1\n"
            assert (client.jobs.get(own).working_directory or "").endswith(f"/files/outputs/{own}")
