"""Submit a job, follow its log and wait for it, with the blocking client.

Run it against a server of your own: VANTAGE_BASE_URL=http://127.0.0.1:8000 VANTAGE_API_KEY=your-api-key
"""

from __future__ import annotations

from vantage_sdk import VantageClient


def main() -> None:
    with VantageClient() as client:
        for cluster in client.clusters.list(status="running"):
            print(f"{cluster.name}: {cluster.node_count} nodes")

        job = client.jobs.submit({"name": "hello", "command": "echo hello; sleep 1; echo bye"})
        for line in client.jobs.logs_stream(job.id):
            print(line)
        job = client.jobs.wait(job.id, timeout=60, raise_on_failure=True)
        print(f"{job.name} {job.status} with exit code {job.exit_code}")


if __name__ == "__main__":
    main()
