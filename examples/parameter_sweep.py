"""A parameter sweep: 32 tasks as one array, a reduce step that waits for all of them, the results kept in the storage.

It runs against a server in this process: python -m examples.parameter_sweep

The same script runs on a real cluster: start ``vantage-mock --backend slurm ...`` as docs/slurm.md says, and name it:
python -m examples.parameter_sweep http://127.0.0.1:8000
"""

from __future__ import annotations

import csv
import io
import sys

from mock_server import MockServer
from vantage_sdk import S9SClient, VantageClient

TASKS = 32
RESULTS = "/datasets/sweep/results.csv"

# Task n stands for the n-th point of the grid.  What it writes into its directory is a file of the storage.
TASK = "echo $SLURM_ARRAY_TASK_ID,$SLURM_ARRAY_TASK_ID.5 > result.csv; sleep 1; echo point $SLURM_ARRAY_TASK_ID is done"
REDUCE = "echo all points are there > summary.txt"


def run_tasks(s9s: S9SClient) -> tuple[list[str], str]:
    """Submit the sweep and its reduce step, wait for both, and return the ids of the tasks and of the reduce step."""
    sweep = s9s.jobs.submit(
        script=TASK, name="sweep", array=f"0-{TASKS - 1}%8", cpus_per_node=1, memory="256MB", time_limit="00:10:00"
    )
    reduce = s9s.jobs.submit(
        script=REDUCE,
        name="reduce",
        memory="256MB",
        time_limit="00:10:00",
        dependencies=[{"type": "afterok", "job_id": sweep.job_id}],
    )
    print(f"  sweep of {TASKS} tasks submitted, the reduce step waits for it")
    done = s9s.jobs.wait(reduce.job_id, timeout=600, poll_interval=0.5, raise_on_failure=True)
    print(f"  {done.job_name}: {done.state}")
    return [f"{sweep.job_id}_{task}" for task in range(TASKS)], reduce.job_id


def collect(client: VantageClient, tasks: list[str]) -> bytes:
    """Return a table of what the tasks have left in their directories."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["task", "point", "value"])
    for task in tasks:
        with client.storage.open(f"/outputs/{task}/result.csv", "r") as file:
            writer.writerows([task, *row] for row in csv.reader(file))
    return table.getvalue().encode()


def keep(client: VantageClient, table: bytes) -> list[dict[str, str]]:
    """Store the table, and read it back as anybody in the team can."""
    client.storage.upload_bytes(table, RESULTS, overwrite=True)
    with client.storage.open(RESULTS, "r") as file:
        return list(csv.DictReader(file))


def main(url: str) -> None:
    with (
        S9SClient(base_url=f"{url}/s9s", token="YOUR_TOKEN") as s9s,
        VantageClient(base_url=url, api_key="your-api-key") as client,
    ):
        tasks, reduce = run_tasks(s9s)
        rows = keep(client, collect(client, tasks))
        print(f"  {len(rows)} rows in {RESULTS}, the last: {rows[-1]['point']} {rows[-1]['value']}")
        with client.storage.open(f"/outputs/{reduce}/summary.txt", "r") as file:
            print(f"  reduce wrote: {file.read().strip()}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1].rstrip("/"))
    else:
        with MockServer(clock="auto") as server:
            main(server.url)
