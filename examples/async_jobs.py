"""Submit several jobs at once and handle each as it ends, with the asynchronous client.

Run it against a server of your own: VANTAGE_BASE_URL=http://127.0.0.1:8000 VANTAGE_API_KEY=your-api-key
"""

from __future__ import annotations

import asyncio

from vantage_sdk import AsyncVantageClient


async def main() -> None:
    async with AsyncVantageClient() as client:
        templates = [{"name": f"part-{n}", "command": f"sleep {n}; echo part {n} done"} for n in range(3)]
        jobs = await client.jobs.submit_many(templates)
        async for job in client.jobs.as_completed(jobs, timeout=60):
            logs = await client.jobs.logs(job.id)
            print(f"{job.name} {job.status}: {logs.lines[-1]}")


if __name__ == "__main__":
    asyncio.run(main())
