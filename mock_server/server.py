"""``MockServer``: a whole server in one object, as many as you like in one process."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mock_server.access import ClusterAccess, HealthAccess, StorageAccess, WebhookAccess, WorkflowAccess
from mock_server.app import Application
from mock_server.auth import Credential
from mock_server.cluster.ranking import WEIGHTS
from mock_server.encryption import tls_context
from mock_server.faults import parse_rules
from mock_server.hosting import Listener, LoopThread, bind
from mock_server.jobservice.key_sets import read_key_set
from mock_server.jobservice.tokens import JwtPolicy
from mock_server.s9s.dialect import S9S
from mock_server.state import IdempotencyMode, Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from types import TracebackType

    from mock_server.cluster.founding import SchedulerName
    from mock_server.cluster.priority import Weights
    from mock_server.cluster.slurm.settings import SlurmSettings
    from mock_server.encryption import Paths
    from mock_server.faults import FaultPlan, Rule
    from mock_server.journal import Record

T = TypeVar("T")


class FaultAccess:
    """The fault plan of a running server."""

    def __init__(self, call: Callable[[Callable[[], Any]], Any], plan: Callable[[], FaultPlan]) -> None:
        self._call = call
        self._plan = plan

    @property
    def rules(self) -> tuple[Rule, ...]:
        rules: tuple[Rule, ...] = self._call(lambda: self._plan().rules)
        return rules

    def set(self, rules: Iterable[Rule | Mapping[str, Any] | str] | str) -> None:
        """Replace the plan; all counts start again."""
        self._call(lambda: self._plan().set(rules))

    def add(self, *rules: Rule | Mapping[str, Any] | str) -> None:
        """Add rules behind those that are there."""
        self._call(lambda: self._plan().add(*rules))

    def clear(self) -> None:
        """Let everything go well again."""
        self._call(lambda: self._plan().clear())


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class MockServer:
    """A server for the documented APIs over a simulated cluster.

    ``clock`` is ``real``, ``xN`` (N times real time), ``manual`` (moved by ``advance`` only) or ``auto`` (manual, and
    it jumps to the next event whenever a caller waits for one).  ``world`` is ``documented``, where everything exists
    that the documented examples refer to, or ``empty``.  ``faults`` is a fault plan, see ``mock_server.faults``.
    ``api_keys`` are accepted besides the documented ones.  ``idempotency`` is ``replay``, ``reject`` (409 for every
    repeated key) or ``ignore`` (a server that never heard of keys).  ``state`` is a directory for the stored files and
    unfinished uploads, which another server can go on with; without one they end with this server.  ``storage_quota``
    is the number of bytes that all files together may have.  ``scheduler`` is ``fcfs``, where no job overtakes another,
    or ``easy`` or ``conservative`` backfill; see ``mock_server.cluster.planning``.  ``weights`` say how age, size, quality
    of service, partition and fair share add to a priority, by default the third alone; see ``mock_server.cluster.priority``.
    With ``preemption`` jobs of a better quality of service may take nodes from running ones, see ``mock_server.cluster.preemption``.

    S9S answers below ``/s9s`` and for the hosts that its document names; ``s9s_port`` gives it a socket of its own, 0
    meaning any free one.  ``oauth_clients`` are secrets by client id, accepted besides the documented pair;
    ``anonymous_s9s`` lets S9S callers in who show no credentials.  ``tls`` are the files of a certificate and its key;
    with ``client_ca``, the file of an authority, its certificates are credentials of S9S for the users they name.

    The job service takes JSON Web Tokens that ``token`` makes, that are signed with ``jwt_secret`` (HS256, 32 bytes or more;
    made up by default) or with a key of ``jwks``, a JSON Web Key Set as a file or as data.  ``jwt_audience`` and
    ``jwt_issuer`` are who they must be for and by, if given; ``jwt_leeway`` are the seconds that clocks may differ.

    With ``slurm`` the jobs really run, on the Slurm cluster that it describes; ``world`` then is about everything else.

    Start it, or use it as a context manager, to have a socket at ``url``; ``app`` works without.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        clock: str = "real",
        world: str = "documented",
        faults: Iterable[Rule | Mapping[str, Any] | str] | str = (),
        rate_limits: bool = True,
        check_invariants: bool = False,
        scheduler: SchedulerName = "fcfs",
        weights: Weights = WEIGHTS,
        preemption: bool = False,
        idempotency: IdempotencyMode = "replay",
        api_keys: Iterable[str | Credential] = (),
        state: str | os.PathLike[str] | None = None,
        storage_quota: int | None = None,
        s9s_port: int | None = None,
        oauth_clients: Mapping[str, str] | None = None,
        anonymous_s9s: bool = False,
        tls: Paths | None = None,
        client_ca: str | os.PathLike[str] | None = None,
        jwt_secret: str | bytes | None = None,
        jwks: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        jwt_audience: str | None = None,
        jwt_issuer: str | None = None,
        jwt_leeway: float = 0.0,
        slurm: SlurmSettings | None = None,
    ) -> None:
        if storage_quota is not None and storage_quota < 0:
            raise ValueError(f"storage_quota must not be negative, but is {storage_quota}")
        if slurm is not None and clock != "real":
            raise ValueError(f"a real cluster needs clock 'real', not {clock!r}")
        self._host = host
        self._ports = {"": port} if s9s_port is None else {"": port, S9S.name: s9s_port}
        self._tls = tls_context(tls, client_ca)
        self._bound: dict[str, int] = {}
        self._loop: LoopThread | None = None
        self._listeners: list[Listener] = []
        self.app = Application(
            Settings(
                seed=seed,
                clock=clock,
                world=world,
                faults=tuple(parse_rules(faults)),
                rate_limits=rate_limits,
                idempotency=idempotency,
                api_keys=tuple(key if isinstance(key, Credential) else Credential(key) for key in api_keys),
                check_invariants=check_invariants,
                scheduler=scheduler,
                weights=weights,
                preemption=preemption,
                control=is_loopback(host),
                directory=None if state is None else os.path.abspath(state),
                storage_quota=storage_quota,
                oauth_clients=tuple((oauth_clients or {}).items()),
                anonymous_s9s=anonymous_s9s,
                jwt=_policy(jwt_secret, jwks, jwt_audience, jwt_issuer, jwt_leeway),
                slurm=slurm,
            )
        )
        self.cluster = ClusterAccess(self._call, lambda: self.app.state.cluster, None if slurm is None else self._wait)
        self.storage = StorageAccess(lambda: self._call(lambda: self.app.state.storage))
        self.workflows = WorkflowAccess(self._call, lambda: self.app.state)
        self.webhooks = WebhookAccess(self._call, lambda: self.app.state.courier, self._wait)
        self.health = HealthAccess(self._call, lambda: self.app.state.dependencies)
        self.faults = FaultAccess(self._call, lambda: self.app.state.faults)

    @property
    def url(self) -> str:
        """The base URL of the running server."""
        return self._url("")

    @property
    def s9s_url(self) -> str:
        """The base URL of S9S: its own socket if it has one, else its prefix."""
        return self._url(S9S.name) if S9S.name in self._ports else self.url + S9S.mount

    def _url(self, name: str) -> str:
        if name not in self._bound:
            raise RuntimeError("the server is not running; call start() or use it as a context manager")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'http' if self._tls is None else 'https'}://{host}:{self._bound[name]}"

    @property
    def journal(self) -> list[Record]:
        """The latest requests, oldest first."""
        return self._call(self.app.state.journal.records)

    def start(self) -> Self:
        """Listen; returns once requests are answered."""
        if self._loop is not None:
            raise RuntimeError("the server is running already")
        sockets: dict[str, socket.socket] = {}
        try:
            for name, port in self._ports.items():
                sockets[name] = bind(self._host, port)
            self._open(sockets)
        except BaseException:
            for sock in sockets.values():
                sock.close()
            raise
        self._bound = {name: sock.getsockname()[1] for name, sock in sockets.items()}
        return self

    def _open(self, sockets: Mapping[str, socket.socket]) -> None:
        """Begin to answer at these sockets."""
        loop = LoopThread(f"mock-server-{sockets[''].getsockname()[1]}")
        try:
            self._listeners = loop.wait(self._begin(sockets))
        except BaseException:
            loop.close()
            raise
        self._loop = loop

    async def _begin(self, sockets: Mapping[str, socket.socket]) -> list[Listener]:
        self.app.state.open()
        listeners = [
            Listener(self.app.speaking(name) if name else self.app, sock, self._tls) for name, sock in sockets.items()
        ]
        for listener in listeners:
            await listener.open()
        self.app.open()
        await self.app.connect()
        return listeners

    def stop(self) -> None:
        """Close the socket and all connections; a stopped server can be started again, then without its files."""
        loop, listeners = self._loop, self._listeners
        if loop is None:
            return
        self._loop, self._listeners, self._bound = None, [], {}
        loop.wait(self._end(listeners))
        loop.close()

    async def _end(self, listeners: Sequence[Listener]) -> None:
        self.app.state.time.wake_all()
        await self.app.close()
        for listener in listeners:
            await listener.close()
        self.app.state.close_storage()

    def reset(self) -> None:
        """Go back to the beginning: world, clock, budgets, idempotency keys, faults and journal."""
        self._call(self.app.reset)

    def advance(self, seconds: float) -> float:
        """Move the clock forward and return its new time in epoch seconds."""
        return self._call(lambda: self.app.state.time.advance(seconds))

    def run_until_idle(self) -> float:
        """Let everything happen that is going to, and return the time it takes the clock to."""
        return self._call(self.app.state.time.run_until_idle)

    def now(self) -> float:
        """Return the time on the server's clock in epoch seconds."""
        return self._call(self.app.state.time.now)

    def token(self, sub: str = "user_456", *, lifetime: float | None = 3600.0, **claims: Any) -> str:
        """Return a token for the job service, signed with the server's secret.

        It is for user ``sub``, by id or login name, and expires after ``lifetime`` seconds on the server's clock, ``None`` for never.  ``claims``
        are added, or take the place of what would be there.  ``scope="jobs:read"`` makes one that may only read.
        """
        return self._call(lambda: self.app.token({"sub": sub, **claims}, lifetime))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the server's loop."""
        if self._loop is None:
            raise RuntimeError("the server is not running")
        return self._loop.wait(work())

    def _call(self, function: Callable[[], T]) -> T:
        """Call ``function`` where the state may be touched: in the server's thread if it has one."""
        return function() if self._loop is None else self._loop.call(function)


def _policy(
    secret: str | bytes | None,
    jwks: str | os.PathLike[str] | Mapping[str, Any] | None,
    audience: str | None,
    issuer: str | None,
    leeway: float,
) -> JwtPolicy:
    """Return what the arguments about tokens come to."""
    keys = () if jwks is None else read_key_set(jwks)
    if secret is None:
        return JwtPolicy(keys=keys, audience=audience, issuer=issuer, leeway=leeway)
    own = secret.encode() if isinstance(secret, str) else secret
    return JwtPolicy(own, keys, audience, issuer, leeway)
