"""Whether the service works, and who asks."""

from __future__ import annotations

from typing_extensions import TypedDict

from mock_server.routes import Call, Routes
from mock_server.wire import iso

routes = Routes("status", prefix="/v1")


class SlurmView(TypedDict):
    """Whether the scheduler behind the service can be reached."""

    connected: bool


class StatusView(TypedDict):
    """The state of the service."""

    status: str
    version: str
    timestamp: str
    slurm: SlurmView


@routes.get("/status")
async def get(call: Call[None, None]) -> StatusView:
    """Get service status."""
    return {"status": "ok", "version": "v1", "timestamp": iso(call.state.time.now()), "slurm": {"connected": True}}
