"""Bytes that a finished job costs the real backend, with made-up records of Slurm in a process of its own: python -m benchmarks.slurm_memory"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import tracemalloc

from mock_server.cluster.slurm.cluster import SlurmCluster
from mock_server.cluster.slurm.identity import tag_of
from mock_server.cluster.slurm.records import job_record
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.submission import located
from mock_server.platform.job_requests import JobCreate

BATCH = 500
STATES = ({"job_state": "PENDING"}, {"job_state": "RUNNING"}, {"job_state": "COMPLETED"})


def live(cluster: SlurmCluster, first: int, jobs: int) -> None:
    """Bring so many jobs from submission to completion, each as a call of its own would, with four events each."""
    for begin in range(first, first + jobs, BATCH):
        at = 1.7e9 + begin
        tags: dict[int, str] = {}
        for number in range(begin, begin + BATCH):
            sent = JobCreate.model_validate_json(json.dumps({"name": f"job {number}", "command": f"run {number}"}))
            request = sent.to_request(user_id="user_456", idempotency_key=f"{number:036x}")
            tag = tag_of(request)
            tags[number] = tag.text()
            cluster._roster.submitted(
                number, located(request, cluster.settings), tag, "normal", at + number / 1e3, "nobody"
            )
        for step, state in enumerate(STATES):
            ran = {"nodes": f"cpu{begin % 7:03}", "start_time": int(at) + 1} if step else {"state_reason": "Resources"}
            raw = {"partition": "normal", "cpus": 1, "priority": 1, "submit_time": int(at), "end_time": int(at) + 2}
            listed = [job_record({**raw, **state, **ran, "job_id": key, "comment": tags[key]}) for key in tags]
            cluster._roster.update(listed, at + 1 + step, {}, at + 1 + step)


def resident() -> int:
    """Return how many bytes of memory this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(jobs: int, *, traced: bool) -> None:
    """Print what a job costs, by what Python counts or by what the system does."""
    with tempfile.TemporaryDirectory() as directory:
        cluster = SlurmCluster(SlurmSettings("http://127.0.0.1:1", directory=directory))
        live(cluster, 1, 4 * BATCH)
        gc.collect()
        if traced:
            tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0] if traced else resident()
        live(cluster, 1 + 4 * BATCH, jobs)
        gc.collect()
        print(((tracemalloc.get_traced_memory()[0] if traced else resident()) - before) / jobs)


if __name__ == "__main__":
    main(int(sys.argv[1]), traced=sys.argv[2] == "traced")
