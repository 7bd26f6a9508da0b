"""Automate: build a workflow, run it, read its rows, see what it sent, and be told when a job ends.

It runs against a server in this process: python -m examples.workflow
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

from mock_server import MockServer
from vantage_sdk import Event, JobCompleted, VantageClient, Webhook, WebhookVerificationError, WorkflowGraph


def build() -> WorkflowGraph:
    """Return a workflow that tells the sales team about large charges, by currency."""
    graph = WorkflowGraph("Large charges")
    charges = graph.getter("stripe/listCharges", limit=500)
    large = graph.setter("queryoperators/filter", field="amount", operator="gt", value=10_000, after=charges)
    whole = graph.setter("queryoperators/computedColumn", column_name="whole", expression="amount / 100", after=large)
    graph.terminator("slack/sendMessage", channel="#sales-alerts", after=whole)
    graph.terminator("termination/dashboardOutput", after=whole)
    return graph


def run(client: VantageClient, server: MockServer) -> None:
    """Store and run the workflow."""
    workflow = client.workflows.create(build())
    problems = client.workflows.validate(workflow.id).errors
    print(f"  workflow {workflow.id} has {len(workflow.nodes)} nodes and {len(problems)} problems")
    result = client.workflows.execute(workflow.id)
    sums: dict[str, float] = {}
    for row in result.iter_rows(page_size=100):
        sums[row["currency"]] = sums.get(row["currency"], 0.0) + row["whole"]
    print(f"  {result.total_rows} rows in {len(sums)} currencies, the smallest amount {least(result.to_dicts())}")
    [message] = [sent for sent in server.workflows.deliveries if sent.node_type == "slack/sendMessage"]
    print(f"  told {', '.join(message.to)} about {message.total_rows} rows")


def least(rows: list[dict[str, object]]) -> object:
    return "above 100" if all(float(str(row["whole"])) > 100 for row in rows) else "too small"


@contextmanager
def listening(webhook: Webhook) -> Generator[tuple[str, Queue[Event]]]:
    """Receive deliveries at a URL of this machine; what is not genuine is refused."""
    events: Queue[Event] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                events.put(webhook.unwrap(body, self.headers))
            except WebhookVerificationError:
                self.send_response(400)
            else:
                self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{receiver.server_port}/hook", events
        receiver.shutdown()


def be_told(client: VantageClient) -> None:
    """Submit a job and wait for nothing but the event of its end."""
    secret = Webhook.new_secret()
    with listening(Webhook(secret)) as (url, events):
        subscription = client.webhooks.create(url, ["job.completed"], secret=secret)
        job = client.jobs.submit({"name": "train", "command": "echo done"})
        client.jobs.wait(job.id, timeout=60)
        event = events.get(timeout=30)
        assert isinstance(event, JobCompleted)
        print(f"  {event.type}: {event.data.name}, exit code {event.data.exit_code}")
        client.webhooks.delete(subscription.id)


def main() -> None:
    """Go through all of it."""
    with (
        MockServer(clock="auto") as server,
        VantageClient(api_key="your-api-key", workflows_key="vntg_your_key_here", base_url=server.url) as client,
    ):
        print("a workflow")
        run(client, server)
        print("a webhook")
        be_told(client)


if __name__ == "__main__":
    main()
