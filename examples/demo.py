"""The main job, end to end: store an input, submit, follow and finish jobs, fetch a result, with a server in this process."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from mock_server import MockServer
from vantage_sdk import Job, VantageClient

DATA = "/datasets/demo/samples.bin"
GOOD = {
    "name": "train",
    "command": (
        "echo loading $DATA; sleep 1; echo epoch 1 loss 0.71; sleep 1; echo epoch 2 loss 0.42; sleep 1; "
        "echo epoch 3 loss 0.31; echo accuracy 0.93 > result.txt; echo done"
    ),
    "resources": {"cpus": 4, "memory": "8GB", "gpus": 1},
    "environment": {"DATA": DATA},
}
BAD = {"name": "broken", "command": "echo starting; sleep 1; echo no such file: data.csv; exit 2"}
ENDLESS = {"name": "endless", "command": "echo waiting for nothing; sleep 86400"}


def show_clusters(client: VantageClient) -> None:
    print(f"{'CLUSTER':<18}{'STATUS':<10}{'PROVIDER':<13}{'REGION':<11}{'NODES':>5}  CAPACITY")
    for cluster in client.clusters.list(sort="name"):
        has = cluster.total_resources
        capacity = f"{has.cpus} cores, {has.memory}, {has.gpus} GPUs" if has else ""
        print(
            f"{cluster.name:<18}{cluster.status or '':<10}{cluster.provider or '':<13}{cluster.region or '':<11}"
            f"{cluster.node_count or 0:>5}  {capacity}"
        )


def show_progress(done: int, total: int) -> None:
    print(f"  [{'#' * (30 * done // total):<30}] {done} of {total} bytes", flush=True)


def fetch_output(client: VantageClient, job: Job, folder: Path) -> Path:
    """Write what the job printed to a local file; download the files that it left on the cluster."""
    output = client.jobs.output(job.id)
    path = folder / f"{job.name}-{job.id}.txt"
    path.write_text(output.stdout or "", encoding="utf-8")
    for file in output.files:
        print(f"  on the cluster: {file.path} ({file.size} bytes)")
        local = client.storage.download(file.path, folder / Path(file.path).name, progress_callback=show_progress)
        print(f"  here: {local} with {local.read_text(encoding='utf-8').strip()!r}")
    return path


def describe(job: Job) -> str:
    why = [text for text in (job.reason, job.cancel_reason) if text]
    if job.exit_code is not None:
        why.append(f"exit code {job.exit_code}")
    return f"{job.name:<10}{job.id:<16}{job.status:<11}{', '.join(why)}"


def main(client: VantageClient) -> list[Job]:
    show_clusters(client)

    print(f"\nStoring {DATA} ...")
    client.storage.upload(random.Random(1).randbytes(24 << 20), DATA, progress_callback=show_progress)

    print("\nSubmitting three jobs ...")
    jobs = client.jobs.submit_many([GOOD, BAD, ENDLESS])
    for job in jobs:
        print(f"  {job.name:<10}{job.id:<16}{job.status}")

    print(f"\nLog of {jobs[0].name}, live:")
    for line in client.jobs.logs_stream(jobs[0].id):
        print(f"  | {line}", flush=True)

    client.jobs.cancel(jobs[2].id, reason="not needed any more")
    print("\nWaiting for all three ...")
    ended: list[Job] = []
    for job in client.jobs.as_completed(jobs, timeout=60, poll_interval=0.2):
        ended.append(job)
        print(f"  {len(ended)} of {len(jobs)} done: {job.name} {job.status}", flush=True)

    print("\nOutcome:")
    for job in ended:
        print("  " + describe(job))
    folder = Path(tempfile.mkdtemp(prefix="vantage-demo-"))
    print(f"\nOutput of {jobs[0].name}: {fetch_output(client, jobs[0], folder)}")
    return ended


if __name__ == "__main__":
    with MockServer() as server, VantageClient(api_key="your-api-key", base_url=server.url) as vantage:
        main(vantage)
