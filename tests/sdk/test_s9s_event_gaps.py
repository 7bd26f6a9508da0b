"""Whatever is received is free of gaps, or the gap is told; cut at every byte, by servers that can resume and that cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cutting import Cutter, Way
from tests.support.effort import effort
from tests.support.faces import Face
from tests.support.hub import Hub, complete_or_told
from tests.support.scripted import Request, ScriptedServer, Step
from vantage_sdk import Resynced
from vantage_sdk.s9s import subscription
from vantage_sdk.testing import instant_retries

MATCHING = (1, 2, 5)
NUMBERED = {"numbered": True}
FORGETFUL = {"kept": 1}
PLAIN = {"numbered": False}
SILENT = {"numbered": False, "acknowledges": False}
KINDS = {"numbered": NUMBERED, "forgetful": FORGETFUL, "plain": PLAIN, "silent": SILENT}


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with instant_retries():
        yield


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "silent":
        monkeypatch.setattr(subscription, "PATIENCE", 0.02)
    return str(request.param)


class World:
    """One server behind one proxy, for many hubs one after the other."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.hub = Hub(MATCHING)
        self._server = ScriptedServer(self._answer)
        self.cutter = Cutter(self._server.url)

    def _answer(self, request: Request, connection: int) -> Step:
        return self.hub(request, connection)

    def __enter__(self) -> World:
        self._server.__enter__()
        self.cutter.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cutter.__exit__(None, None, None)
        self._server.__exit__(None, None, None)

    async def cut(self, face: Face, way: Way, at: int | None) -> list[Any]:
        """Return what is received when the connection is cut once, with a client of its own."""
        self.hub = Hub(MATCHING, **KINDS[self._kind])  # type: ignore[arg-type]
        self.cutter.cut(way, at)
        async with face.s9s(self.cutter.url) as client:
            async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
                self.hub.begun.set()
                return [item async for item in updates]

    async def size(self, face: Face, way: Way) -> int:
        items = await self.cut(face, way, None)
        assert [int(item.data.job_id) for item in items] == [*MATCHING]
        assert len(self.hub.greetings) == 1
        return len(self.cutter.passed[way])


def check(hub: Hub, kind: str, items: list[Any]) -> None:
    complete_or_told(items, MATCHING)
    gaps = [item for item in items if isinstance(item, Resynced)]
    if kind == "numbered":
        assert not gaps
    if kind == "plain":
        assert len(gaps) <= len(hub.greetings) - 1
    for gap in gaps:
        assert gap.channel == "jobs"
        assert len(gap.state) == 1
        assert (gap.since is None) == (kind in ("plain", "silent"))
        later = [int(item.data.job_id) for item in items[items.index(gap) :] if not isinstance(item, Resynced)]
        missing = [number for number in MATCHING if number not in [int(i.data.job_id) for i in items if i not in gaps]]
        assert all(number <= int(gap.state[0].job_id) for number in missing if number < min([*later, 99]))


async def cut_everywhere(face: Face, kind: str, way: Way, step: int) -> None:
    with World(kind) as world:
        for at in range(step // 2, await world.size(face, way), step):
            items = await world.cut(face, way, at)
            check(world.hub, kind, items)


@pytest.mark.slow
def test_an_answer_cut_at_any_byte_leaves_no_gap_untold_blocking(kind: str) -> None:
    face = Face("blocking")
    face.run(lambda: cut_everywhere(face, kind, "down", effort(3, 1) if kind == "numbered" else effort(11, 3)))


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_connection_cut_at_many_bytes_leaves_no_gap_untold(face: Face, kind: str, way: Way) -> None:
    await cut_everywhere(face, kind, way, effort(29, 13))
