"""Whether the service is alive and ready; it depends on other services, each of which may be down."""

from __future__ import annotations

from typing import Any, Literal

from starlette.responses import Response
from typing_extensions import TypedDict

from mock_server.errors import ApiError
from mock_server.exchange import json_response
from mock_server.routes import Call, Routes
from mock_server.world.dependencies import Check

RETRY_SECONDS = "5"

routes = Routes("health", prefix="/api/v1/health")


class Liveness(TypedDict):
    """That the service runs."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether the service can work, and what it needs for that."""

    status: Literal["ok", "degraded"]
    checks: dict[str, Check]


@routes.get("/live", public=True)
async def live(call: Call[None, None]) -> Liveness:  # noqa: ARG001 - every handler takes the call
    """Liveness probe."""
    return {"status": "ok"}


@routes.get("/ready", public=True, degraded=True)
async def ready(call: Call[None, None]) -> Readiness | Response:
    """Readiness probe."""
    checks = _checks(call)
    if "error" not in checks.values():
        return {"status": "ok", "checks": checks}
    return json_response({"status": "degraded", "checks": checks}, 503)


def require(call: Call[Any, Any], *names: str) -> None:
    """Raise a 503 if one of the dependencies with these names is down."""
    checks = _checks(call)
    for name in names:
        if checks[name] != "ok":
            raise ApiError(503, f"The service is not available: {name} is down", headers={"Retry-After": RETRY_SECONDS})


def _checks(call: Call[Any, Any]) -> dict[str, Check]:
    return call.state.dependencies.checks(None if call.fault is None else call.fault.dependency)
