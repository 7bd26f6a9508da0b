"""Whatever callers do through whichever API, the invariants hold, the views agree, and it happens again in the same way."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mock_server import MockServer
from tests.server.conftest import TLS
from tests.server.test_cross_view import Views
from tests.support.effort import effort

if TYPE_CHECKING:
    from mock_server.cluster.founding import SchedulerName

KEYS = ("YOUR_API_KEY", "<token>", "YOUR_TOKEN")
OVER = {"completed", "failed", "cancelled"}
CHOICES = st.integers(0, 2**32)
ACTS = ["submit", "submit", "array", "cancel", "change", "hold", "node", "delete"]


class Caller(RuleBasedStateMachine):
    """Acts of callers in any order; the server checks I1 to I11 after every step of the simulation."""

    scheduler: SchedulerName = "fcfs"

    @initialize()
    def begin(self) -> None:
        self.opened = ExitStack()
        self.said: list[httpx.Request | float] = []
        self.server = self._server()
        platform, jobservice, s9s = map(self._client, KEYS)
        self.views = Views(self.server, platform, jobservice, s9s, random.Random(0))
        self.endings: dict[str, tuple[Any, ...]] = {}

    def _server(self) -> MockServer:
        options: dict[str, Any] = {"check_invariants": True, "rate_limits": False, "scheduler": self.scheduler}
        return self.opened.enter_context(MockServer(clock="manual", seed=1, **options))

    def _client(self, key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        hooks = {"request": [self._note]}
        client = httpx.Client(base_url=self.server.url, headers=headers, event_hooks=hooks, verify=TLS, timeout=30)
        return self.opened.enter_context(client)

    def _note(self, request: httpx.Request) -> None:
        if request.method != "GET":
            self.said.append(request)

    @rule(act=st.sampled_from(ACTS), choice=CHOICES)
    def do(self, act: str, choice: int) -> None:
        self.views.draw = random.Random(choice)
        getattr(self.views, act)()

    @rule(seconds=st.sampled_from([0.1, 1.0, 17.0, 300.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.said.append(seconds)
        self.server.advance(seconds)

    @invariant()
    def views_agree(self) -> None:
        """I4, and I14 for the history that the server keeps."""
        self.views.agree()
        states = {job.id: job.state.value for job in self.server.cluster.jobs.values()}
        assert self.views.history().items() <= states.items()

    @invariant()
    def endings_are_final(self) -> None:
        """I3: who has ended stays as he ended."""
        for job_id, job in self.views.all_of("platform").items():
            if job["status"] in OVER:
                ending = (job["status"], job["started_at"], job["completed_at"])
                assert self.endings.setdefault(job_id, ending) == ending

    def teardown(self) -> None:
        """I12: the same calls make the same history."""
        with self.opened:
            self.wait(86_400.0)
            self.views.agree()
            again = self._server()
            for said in self.said:
                if isinstance(said, httpx.Request):
                    httpx.request(said.method, again.url + said.url.raw_path.decode(), **_what(said), verify=TLS)
                else:
                    again.advance(said)
            assert again.cluster.events() == self.server.cluster.events()


def _what(request: httpx.Request) -> dict[str, Any]:
    """Return what a request says, without where it says it."""
    own = {name: value for name, value in request.headers.items() if name in ("authorization", "content-type")}
    return {"content": request.content, "headers": own}


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["fcfs", "easy", "conservative"])
def test_callers_leave_the_server_whole(scheduler: SchedulerName) -> None:
    machine = type("Machine", (Caller,), {"scheduler": scheduler})
    # What fails is told as it was found: to make it smaller takes minutes.
    work = settings(
        phases=[Phase.generate],
        max_examples=effort(3, 100),
        stateful_step_count=effort(40, 100),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(machine, settings=work)  # type: ignore[no-untyped-call]
