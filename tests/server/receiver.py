"""A receiver of webhooks on this machine: keeps what comes, and answers as it is told."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import httpx

    from mock_server import MockServer

PATIENCE = 20.0
EVERYTHING = ["job.created", "job.started", "job.completed", "job.failed", "job.cancelled", "cluster.scaled"]
SECRET = "whsec_c2VjcmV0"
DAY = 86_400.0


@dataclass(frozen=True)
class Message:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split()

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


class Server(ThreadingHTTPServer):
    """Turns nobody away who comes with many others at once."""

    request_queue_size = 128
    daemon_threads = True


class Receiver:
    """Answers 204, unless ``answers`` has a status, or a status with headers, for the next request.

    While ``hold`` is set nothing is answered; ``arrived`` is released once for each request, and
    ``cut_off`` is set when an answer was not wanted to its end.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: list[int | tuple[int, dict[str, str]]] = []
        self.hold = threading.Event()
        self.go_on = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.cut_off = threading.Event()
        self.body = b""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._answer(self)

            def do_GET(self) -> None:
                raise AssertionError("nobody asks with GET")

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def types(self) -> list[str]:
        return [message.content["type"] for message in self.messages]

    def wait(self) -> None:
        """Wait for one more request."""
        assert self.arrived.acquire(timeout=PATIENCE), "nothing has arrived"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.messages.append(Message(handler.path, headers, body))
        answer = self.answers.pop(0) if self.answers else 204
        status, extra = (answer, {}) if isinstance(answer, int) else answer
        self.arrived.release()
        if self.hold.is_set():
            self.go_on.wait(PATIENCE)
        try:
            handler.send_response(status)
            for name, value in extra.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(self.body)))
            handler.end_headers()
            handler.wfile.write(self.body)
        except OSError:
            handler.close_connection = True  # the server has not waited for the answer
            self.cut_off.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def subscribe(client: httpx.Client, receiver: Receiver, *events: str, **options: Any) -> str:
    body = {"url": receiver.url, "events": events or EVERYTHING, "secret": SECRET, **options}
    webhook_id: str = client.post("/v1/webhooks", json=body).json()["id"]
    return webhook_id


def submit(client: httpx.Client, command: str = "true") -> dict[str, Any]:
    job: dict[str, Any] = client.post("/v1/jobs", json={"name": "n", "command": command}).json()
    return job


def states(server: MockServer) -> list[str]:
    return [delivery.state.value for delivery in server.webhooks.deliveries]


def webhook(client: httpx.Client, webhook_id: str) -> dict[str, Any]:
    (found,) = [one for one in client.get("/v1/webhooks").json()["webhooks"] if one["id"] == webhook_id]
    return dict(found)
