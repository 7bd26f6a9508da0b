"""The ASGI application of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_server.control import PREFIX, ControlAPI
from mock_server.dispatch import PORT, Dispatcher
from mock_server.exchange import Exchange
from mock_server.families import FAMILIES
from mock_server.sockets import as_request
from mock_server.state import ServerState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from mock_server.state import Settings

DISPATCHER = Dispatcher(FAMILIES)


class Application:
    """Hands each request to the control API or to the family it belongs to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = ServerState(settings, FAMILIES)
        self.control = ControlAPI(self)
        self._open = False

    def reset(self) -> None:
        """Put a fresh state in the place of the present one."""
        self.state.close()
        self.state = ServerState(self.settings, FAMILIES)
        if self._open:
            self.state.open()
            self.state.courier.open()
            if self.state.slurm is not None:
                self.state.slurm.open_soon()

    def token(self, claims: Mapping[str, Any], lifetime: float | None) -> str:
        """Return a token for the job service that begins now."""
        now = self.state.time.now()
        times = {"iat": now} if lifetime is None else {"iat": now, "exp": now + lifetime}
        return self.settings.jwt.sign({**times, **claims})

    def open(self) -> None:
        """Begin to deliver webhooks, in the running loop."""
        self._open = True
        self.state.open()
        self.state.courier.open()

    async def connect(self) -> None:
        """Have a first look at the cluster if it is a real one, and follow it from now on."""
        if self.state.slurm is not None:
            await self.state.slurm.open()

    async def close(self) -> None:
        """Stop delivering."""
        self._open = False
        await self.state.courier.aclose()
        await self.state.s9s.aclose()
        if self.state.slurm is not None:
            await self.state.slurm.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await Exchange(self.state, DISPATCHER, *as_request(scope, receive, send)).run()
        elif scope["path"] == PREFIX or scope["path"].startswith(PREFIX + "/"):
            await self.control(scope, receive, send)
        else:
            await Exchange(self.state, DISPATCHER, scope, receive, send).run()

    def speaking(self, family: str) -> ASGIApp:
        """Return this application as a port of its own for one family shows it."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self({**scope, PORT: family}, receive, send)

        return app

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"]
            if kind == "lifespan.startup":
                self.open()
                await self.connect()
            else:
                await self.close()
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
