"""The control API under ``/_mock``, for whoever runs the server; it speaks plain JSON and only on loopback.

======  ============================  =================================================================================
GET     /_mock                        what this server is: version, clock, world, seed, counts
POST    /_mock/reset                  back to the beginning: world, clock, budgets, keys, faults, journal
GET     /_mock/clock                  ``{"mode", "now", "time", "next_event_at"}``
POST    /_mock/clock                  ``{"advance": seconds}`` or ``{"run_until_idle": true}``; answers as GET does
GET     /_mock/faults                 the fault plan, each rule with how often it matched and struck
PUT     /_mock/faults                 replace the plan: a list of rules, or a short form as text (see ``faults``)
DELETE  /_mock/faults                 let everything go well again
GET     /_mock/journal                the latest requests, oldest first
DELETE  /_mock/journal                forget them
GET     /_mock/events?after=N         what happened in the cluster after event N
GET     /_mock/executions             the latest runs of workflows, with what left them at their terminators
POST    /_mock/nodes/fail             ``{"cluster", "node", "reason"?}``: the node goes down
POST    /_mock/nodes/restore          ``{"cluster", "node"}``: the node comes back
GET     /_mock/reports                the reports of S9S, the latest first, with where they were to be sent: nothing is
POST    /_mock/token                  ``{"sub"?, "lifetime"?, "claims"?}``: a token for the job service
GET     /_mock/health                 what the job service depends on, ``ok`` or ``error`` by name
PUT     /_mock/health                 change it: ``{"redis": "error"}``
GET     /_mock/webhooks/deliveries    the latest deliveries, oldest first; ``?webhook_id=`` for those of one webhook
======  ============================  =================================================================================

A mistake is answered with 400 or 404 and ``{"error": text}``.  Requests from other machines, and those whose ``Host``
is not a loopback name (a web page may have pointed a name of its own at this machine), get 403.
"""

from __future__ import annotations

import ipaddress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json
from starlette.requests import Request

from mock_server.cluster.backend import ClusterError
from mock_server.exchange import MAX_BODY, json_response
from mock_server.openapi import VERSION
from mock_server.wire import iso

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from mock_server.app import Application
    from mock_server.world.dependencies import Check

PREFIX = "/_mock"


_CHECKS = TypeAdapter(dict[str, Literal["ok", "error"]])
_PLAN = TypeAdapter[str | list[dict[str, Any] | str]](str | list[dict[str, Any] | str])


class ControlError(Exception):
    """A request that the control API refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ClockCommand(BaseModel):
    """Either way of moving the clock."""

    model_config = ConfigDict(extra="forbid", strict=True)

    advance: float | None = Field(default=None, ge=0, le=1e9, allow_inf_nan=False)
    run_until_idle: bool = False

    @model_validator(mode="after")
    def _is_one_command(self) -> ClockCommand:
        if (self.advance is not None) == self.run_until_idle:
            raise ValueError("give either advance or run_until_idle")
        return self


class NodeCommand(BaseModel):
    """Which node, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cluster: str
    node: str
    reason: str = "failed by the control API"


class TokenCommand(BaseModel):
    """For whom, for how many seconds (``null`` for ever), and what else the token says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sub: str = "user_456"
    lifetime: float | None = Field(default=3600.0, ge=-1e9, le=1e9, allow_inf_nan=False)
    claims: dict[str, Any] = Field(default_factory=dict)


class ControlAPI:
    """Answers the requests under ``/_mock``."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._routes = {
            ("GET", ""): self._info,
            ("POST", "/reset"): self._reset,
            ("GET", "/clock"): self._clock,
            ("POST", "/clock"): self._move_clock,
            ("GET", "/faults"): self._faults,
            ("PUT", "/faults"): self._set_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/journal"): self._journal,
            ("DELETE", "/journal"): self._clear_journal,
            ("GET", "/events"): self._events,
            ("GET", "/executions"): self._executions,
            ("POST", "/nodes/fail"): self._fail_node,
            ("POST", "/nodes/restore"): self._restore_node,
            ("GET", "/reports"): self._reports,
            ("POST", "/token"): self._token,
            ("GET", "/health"): self._health,
            ("PUT", "/health"): self._set_health,
            ("GET", "/webhooks/deliveries"): self._deliveries,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._admit(request)
            self._app.state.time.catch_up()
            response = json_response(await self._handler(request)(request), 200)
        except ControlError as error:
            response = _refusal(error.status, str(error))
        except (ClusterError, KeyError) as error:
            response = _refusal(404, str(error))
        except ValidationError as error:
            response = _refusal(400, "; ".join(f"{_path(item['loc'])}{item['msg']}" for item in error.errors()))
        except ValueError as error:
            response = _refusal(400, str(error))
        await response(scope, receive, send)

    def _admit(self, request: Request) -> None:
        if not self._app.settings.control:
            raise ControlError(403, "The control API is off because this server is reachable from other machines")
        if request.client is not None and not _is_loopback(request.client.host):
            raise ControlError(403, "The control API is for this machine only")
        host = request.headers.get("host", "").rpartition("@")[2]
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name != "localhost" and not _is_loopback(name):
            raise ControlError(403, "The Host header does not name this machine")
        if request.method != "GET" and request.headers.get("origin") not in (None, f"{request.url.scheme}://{host}"):
            raise ControlError(403, "Other origins may not use the control API")

    def _handler(self, request: Request) -> Any:
        path = request.url.path.removeprefix(PREFIX).rstrip("/")
        handler = self._routes.get((request.method, path))
        if handler is None:
            known = any(path == other for _, other in self._routes)
            raise ControlError(405 if known else 404, f"There is no {request.method} {PREFIX}{path}")
        return handler

    async def _info(self, request: Request) -> dict[str, Any]:
        state = self._app.state
        return {
            "version": VERSION,
            "seed": state.settings.seed,
            "world": state.settings.world,
            "clock": state.time.mode,
            "now": state.time.now(),
            "jobs": len(state.cluster.jobs),
            "clusters": len(state.cluster.clusters),
            "rate_limits": state.settings.rate_limits,
            "idempotency": state.settings.idempotency,
            "scheduler": state.settings.scheduler,
            "preemption": state.settings.preemption,
        }

    async def _reset(self, request: Request) -> dict[str, Any]:
        self._app.reset()
        return await self._info(request)

    async def _clock(self, request: Request) -> dict[str, Any]:
        time = self._app.state.time
        return {
            "mode": time.mode,
            "now": time.now(),
            "time": iso(time.now()),
            "next_event_at": time.next_event_at(),
        }

    async def _move_clock(self, request: Request) -> dict[str, Any]:
        command = ClockCommand.model_validate(await _json(request))
        if command.advance is None:
            self._app.state.time.run_until_idle()
        else:
            self._app.state.time.advance(command.advance)
        return await self._clock(request)

    async def _faults(self, request: Request) -> list[dict[str, Any]]:
        return self._app.state.faults.as_list()

    async def _set_faults(self, request: Request) -> list[dict[str, Any]]:
        self._app.state.faults.set(_PLAN.validate_python(await _json(request)))
        return await self._faults(request)

    async def _clear_faults(self, request: Request) -> list[dict[str, Any]]:
        self._app.state.faults.clear()
        return await self._faults(request)

    async def _journal(self, request: Request) -> list[dict[str, Any]]:
        return [record.as_dict() for record in self._app.state.journal.records()]

    async def _clear_journal(self, request: Request) -> list[dict[str, Any]]:
        self._app.state.journal.clear()
        return await self._journal(request)

    async def _events(self, request: Request) -> list[dict[str, Any]]:
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > 12:
            raise ControlError(400, "after must be the sequence number of an event")
        return [event._asdict() for event in self._app.state.cluster.events(int(after))]

    async def _executions(self, request: Request) -> list[dict[str, Any]]:
        return [asdict(record) for record in self._app.state.executions.records()]

    async def _fail_node(self, request: Request) -> dict[str, Any]:
        command = NodeCommand.model_validate(await _json(request))
        await self._app.state.cluster.fail_node(command.cluster, command.node, command.reason)
        return self._node(command)

    async def _restore_node(self, request: Request) -> dict[str, Any]:
        command = NodeCommand.model_validate(await _json(request))
        await self._app.state.cluster.restore_node(command.cluster, command.node)
        return self._node(command)

    async def _token(self, request: Request) -> dict[str, str]:
        command = TokenCommand.model_validate(await _json(request))
        return {"token": self._app.token({"sub": command.sub, **command.claims}, command.lifetime)}

    async def _health(self, request: Request) -> dict[str, Check]:
        return self._app.state.dependencies.checks()

    async def _set_health(self, request: Request) -> dict[str, Check]:
        self._app.state.dependencies.set(_CHECKS.validate_python(await _json(request)))
        return await self._health(request)

    async def _deliveries(self, request: Request) -> list[dict[str, Any]]:
        wanted = request.query_params.get("webhook_id")
        log = self._app.state.courier.outbox.log
        return [delivery.as_dict() for delivery in log if wanted in (None, delivery.webhook_id)]

    async def _reports(self, request: Request) -> list[dict[str, Any]]:
        reports = self._app.state.s9s.reports.all()
        return [{"report_id": each.id, "status": each.status, **each.details} for each in reports]

    def _node(self, command: NodeCommand) -> dict[str, Any]:
        node = self._app.state.cluster.cluster(command.cluster).nodes[command.node]
        return {"name": node.name, "state": node.state.value, "reason": node.reason}


async def _json(request: Request) -> Any:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise ControlError(413, f"The body must not be larger than {MAX_BODY} bytes")
    return from_json(bytes(content))


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(f"{part}: " for part in location)


def _refusal(status: int, message: str) -> Response:
    return json_response({"error": message}, status)
