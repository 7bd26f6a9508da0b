"""Exports and reports of S9S: having them made, waiting for them, and fetching them whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.faces import Face
from tests.support.intake import shrink
from tests.support.office import DOWNLOAD, LARGE, ROWS, Office, get, left_beside, ranged, whole
from tests.support.s9s_answers import fault
from tests.support.scripted import Json, Request, Reset, ScriptedServer, Step
from vantage_sdk import (
    ConflictError,
    DeadlineExceeded,
    Export,
    Report,
    ResourceNotFoundError,
    SubmitOutcomeUnknown,
    TransferError,
    VantageAPIError,
)
from vantage_sdk.testing import instant_retries


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    shrink(monkeypatch)
    with instant_retries() as asked:
        yield asked


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    path = folder / "rows.csv"
    path.write_bytes(b"old")
    return path


# Having one made


async def test_what_is_asked_for_is_sent_with_times_as_text(face: Face) -> None:
    made = {"export_id": "exp_1", "status": "processing", "download_url": None}
    with ScriptedServer([Json(201, made), Json(201, {"report_id": "rep_1", "status": "processing"})]) as server:
        async with face.s9s(server.url) as client:
            export = await client.exports.create(
                format="json",
                filter={"start_time": datetime(2023, 12, 1, tzinfo=UTC), "user": None},
                fields=("job_id", "state"),
            )
            report = await client.reports.create("utilization", parameters={"start_date": date(2023, 12, 1)})
    assert (type(export), export.id, export.is_terminal) == (Export, "exp_1", False)
    assert (type(report), report.id, report.succeeded) == (Report, "rep_1", False)
    assert server.requests[0].json() == {
        "type": "jobs",
        "format": "json",
        "filter": {"start_time": "2023-12-01T00:00:00Z"},
        "fields": ["job_id", "state"],
    }
    assert server.requests[1].json() == {
        "type": "utilization",
        "format": "pdf",
        "parameters": {"start_date": "2023-12-01"},
    }


async def test_it_is_not_made_twice(face: Face) -> None:
    with ScriptedServer([Reset(), Reset()]) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown) as caught:
                await client.exports.create(idempotency_key="mine")
            with pytest.raises(SubmitOutcomeUnknown):
                await client.reports.create("utilization")
    assert caught.value.idempotency_key == "mine"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"type": ""}, "type cannot be empty"),
        ({"fields": []}, "fields cannot be empty"),
        ({"filter": {"start_time": datetime(2023, 12, 1)}}, "a datetime needs a time zone"),
    ],
)
async def test_a_wrong_value_is_refused(face: Face, given: dict[str, Any], problem: str) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match=problem):
            await client.exports.create(**given)
        with pytest.raises(TypeError, match="filter takes a mapping, not str"):
            await client.exports.create(filter="state=COMPLETED")


# Waiting for it


@pytest.mark.parametrize("end", ["completed", "failed"])
async def test_wait_returns_it_whatever_its_end(face: Face, end: str) -> None:
    seen: list[str] = []
    with ScriptedServer(Office(ROWS, states=("processing", "processing", end))) as server:
        async with face.s9s(server.url) as client:
            export = await client.exports.wait("exp_1", on_update=lambda it: seen.append(it.status))
            report = await client.reports.wait(Report(report_id="rep_1"))
    assert (export.status, report.status, seen) == (end, end, ["processing", end])
    assert [request.path for request in server.requests] == ["/v1/exports/exp_1"] * 3 + ["/v1/reports"]


async def test_waiting_ends_with_its_time(face: Face) -> None:
    with ScriptedServer(Office(ROWS, states=("processing",))) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(DeadlineExceeded) as caught:
                await client.exports.wait("exp_1", timeout=0.05, poll_interval=0.01)
            with pytest.raises(ResourceNotFoundError, match="there is no report rep_2"):
                await client.reports.wait("rep_2")
    assert "resume with client.exports.wait('exp_1')" in caught.value.__notes__[0]


# Fetching it


@pytest.mark.parametrize("rule", [ranged, whole])
@pytest.mark.parametrize("content", [b"", ROWS, LARGE], ids=len)
async def test_it_arrives_as_it_is(face: Face, target: Path, rule: Any, content: bytes) -> None:
    told: list[tuple[int, int]] = []
    office = Office(content, rule)
    await get(face, office, target, progress_callback=lambda *report: told.append(report))
    assert target.read_bytes() == content
    assert left_beside(target) == []
    assert [total for _, total in told] == [len(content)] * len(told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert [done for done, _ in told][-1:] == ([len(content)] if content else [])


async def test_one_that_was_waited_for_is_not_looked_at_again(face: Face, target: Path) -> None:
    with ScriptedServer(Office(ROWS)) as server:
        async with face.s9s(server.url) as client:
            export = await client.exports.wait("exp_1")
            await client.exports.download(export, target)
            assert await client.exports.download_to_bytes(export) == ROWS
            assert await client.exports.download_to_string(export, encoding="ascii") == ROWS.decode()
    assert [request.path for request in server.requests] == ["/v1/exports/exp_1", DOWNLOAD, DOWNLOAD, DOWNLOAD]


async def test_what_was_returned_by_create_is_looked_at(face: Face, target: Path) -> None:
    created = Export.from_dict({"export_id": "exp_1", "status": "processing", "download_url": None})
    office = Office(ROWS, file_size=5)
    with pytest.raises(TransferError):
        await get(face, office, target, created)
    office.told = {}
    await get(face, office, target, created)
    assert target.read_bytes() == ROWS


async def test_without_a_link_the_documented_path_is_asked(face: Face, target: Path) -> None:
    office = Office(ROWS, download_url=None)
    await get(face, office, target)
    assert [request.path for request in office.downloads] == [DOWNLOAD]


@pytest.mark.parametrize("noun", ["exports", "reports"])
async def test_reports_are_fetched_alike(face: Face, target: Path, noun: str) -> None:
    item = {"exports": "exp_1", "reports": "rep_1"}[noun]
    with ScriptedServer(Office(LARGE)) as server:
        async with face.s9s(server.url) as client:
            await getattr(client, noun).download(item, target)
            assert await getattr(client, noun).download_to_bytes(item) == LARGE
    assert target.read_bytes() == LARGE


async def test_one_that_is_not_there_yet_is_a_conflict(face: Face, target: Path) -> None:
    def refuse(office: Office, request: Request) -> Step:
        return fault(409, "RESOURCE_CONFLICT")

    with ScriptedServer(Office(ROWS, refuse, states=("processing",))) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(ConflictError):
                await client.exports.download("exp_1", target)
            with pytest.raises(TransferError, match="reports/rep_1 has no download_url .its status is 'processing'."):
                await client.reports.download("rep_1", target)
    assert (target.read_bytes(), left_beside(target)) == (b"old", [])


async def test_one_that_failed_is_an_error(face: Face, target: Path) -> None:
    with pytest.raises(TransferError, match="could not make exports/exp_1"):
        await get(face, Office(ROWS, states=("failed",)), target)


async def test_one_that_has_expired_is_not_found(face: Face, target: Path) -> None:
    given = Export.from_dict({"export_id": "exp_9", "status": "completed", "download_url": "/v1/exports/exp_9"})
    with pytest.raises(ResourceNotFoundError):
        await get(face, Office(ROWS), target, "exp_9")
    with pytest.raises(ResourceNotFoundError):
        await get(face, Office(ROWS), target, given)
    assert (target.read_bytes(), left_beside(target)) == (b"old", [])


@pytest.mark.parametrize("given", [{"resume": "yes"}, {"progress_callback": 5}])
async def test_odd_options_are_refused(face: Face, target: Path, given: dict[str, Any]) -> None:
    async with face.s9s("http://127.0.0.1:1") as client:
        with pytest.raises(TypeError, match=next(iter(given))):
            await client.exports.download("exp_1", target, **given)
        with pytest.raises(TypeError, match="export takes text, not int"):
            await client.exports.download(5, target)
        with pytest.raises(TypeError, match="local_path takes text or a Path"):
            await client.exports.download("exp_1", 5)
        with pytest.raises(ValueError, match="max_bytes is a number from 0"):
            await client.exports.download_to_bytes("exp_1", max_bytes=-1)


async def test_an_export_that_is_none_is_an_error(face: Face, target: Path) -> None:
    with ScriptedServer(lambda request, connection: Json(200, [])) as server:
        async with face.s9s(server.url) as client:
            with pytest.raises(VantageAPIError, match="the answer is not what this call returns"):
                await client.exports.download("exp_1", target)
