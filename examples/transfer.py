"""Move data: upload a data set, run a job, fetch its results, and go on with a download that was interrupted.

It runs against a server in this process: python -m examples.transfer
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from mock_server import MockServer
from vantage_sdk import VantageClient, VantageConnectionError

REMOTE = "/datasets/wind"
LARGE = 24 << 20
CUT = "GET */download: cut=20000000, ok"  # the connection breaks once, after so many bytes


def make_data_set(folder: Path) -> None:
    """Write a small table, a large file, and something that nobody wants to upload."""
    for name, content in {
        "stations.csv": b"id,height\n1,80\n2,120\n",
        "raw/speed.f32": random.Random(7).randbytes(LARGE),
        "raw/.cache/index": b"to be made anew",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def upload(client: VantageClient, folder: Path) -> None:
    """Upload what the storage does not have yet."""
    report = client.storage.upload_directory(folder, REMOTE, exclude=".cache/", sync=True)
    print(f"  {report}")
    for item in report.done:
        print(f"  {item.remote_path} ({item.size} bytes)")
    report.raise_if_any_failed()


def run(client: VantageClient) -> str:
    """Run a job that knows where the data set is; return the directory of its results."""
    job = client.jobs.submit(
        {
            "name": "mean",
            "command": "echo reading $DATA; sleep 1; echo 1 7.4 > means.txt; echo 2 9.1 >> means.txt",
            "output_path": "/results/wind",
        },
        env={"DATA": REMOTE},
    )
    for line in client.jobs.logs_stream(job.id):
        print(f"  | {line}")
    client.jobs.wait(job.id, timeout=60, raise_on_failure=True)
    return "/results/wind"


def show(done: int, total: int) -> None:
    print(f"  {done} of {total} bytes", flush=True)


def fetch(client: VantageClient, target: Path) -> None:
    """Download the large file; after an interruption a second call goes on where the first one stopped."""
    try:
        client.storage.download(f"{REMOTE}/raw/speed.f32", target, max_retries=0)
    except VantageConnectionError as error:
        print(f"  {error.message}")
        print(f"  there is no half file: {not target.exists()}")
    client.storage.download(f"{REMOTE}/raw/speed.f32", target, resume=True, progress_callback=show)


def main(client: VantageClient, server: MockServer, folder: Path) -> None:
    make_data_set(folder / "wind")
    print("Uploading ...")
    upload(client, folder / "wind")

    print("Uploading again after a change ...")
    (folder / "wind" / "stations.csv").write_text("id,height\n1,80\n2,125\n", encoding="utf-8")
    upload(client, folder / "wind")

    print("Running a job ...")
    results = run(client)

    print("Downloading the results ...")
    report = client.storage.download_directory(results, folder / "results")
    print(f"  {report}")
    print("  " + (folder / "results" / "means.txt").read_text(encoding="utf-8").replace("\n", "; ").rstrip("; "))

    print("Downloading a large file over a bad connection ...")
    server.faults.set(CUT)
    fetch(client, folder / "speed.f32")
    print(f"  the same: {(folder / 'speed.f32').read_bytes() == (folder / 'wind/raw/speed.f32').read_bytes()}")


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="vantage-transfer-") as scratch,
        MockServer() as bundled,
        VantageClient(api_key="your-api-key", base_url=bundled.url) as vantage,
    ):
        main(vantage, bundled, Path(scratch))
