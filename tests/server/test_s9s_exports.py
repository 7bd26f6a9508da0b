"""Exports as files, fetched with curl as well."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mock_server import MockServer
from mock_server.s9s import artifacts, export_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENTED: dict[str, Any] = {
    "type": "jobs",
    "format": "csv",
    "filter": {
        "state": "COMPLETED",
        "user": "alice",
        "start_time": "2023-12-01T00:00:00Z",
        "end_time": "2023-12-31T23:59:59Z",
    },
    "fields": ["job_id", "job_name", "user", "state", "runtime"],
    "options": {"include_headers": True, "delimiter": ",", "filename": "alice_december_jobs.csv"},
}


def order(s9s: httpx.Client, **body: Any) -> str:
    response = s9s.post("/v1/export", json={"type": "jobs", "format": "csv", **body})
    assert response.status_code == 201, response.text
    export_id: str = response.json()["export_id"]
    return export_id


def ready(server: MockServer, s9s: httpx.Client, export_id: str) -> dict[str, Any]:
    """Let the clock go on and wait until the file is written, which is a matter of real time."""
    server.advance(60)
    while True:
        status: dict[str, Any] = s9s.get(f"/v1/exports/{export_id}").json()
        if status["status"] != "processing":
            return status


def content(server: MockServer, s9s: httpx.Client, **body: Any) -> str:
    export_id = order(s9s, **body)
    assert ready(server, s9s, export_id)["status"] == "completed"
    return s9s.get(f"/v1/exports/{export_id}/download").text


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_the_documented_order_goes_from_processing_to_completed(server: MockServer, s9s: httpx.Client) -> None:
    response = s9s.post("/v1/export", json=DOCUMENTED)
    created = response.json()
    assert response.status_code == 201
    assert created == {
        "export_id": created["export_id"],
        "status": "processing",
        "download_url": None,
        "created_at": "2024-01-15T10:35:00Z",
        "expires_at": "2024-01-16T10:35:00Z",
    }
    path = f"/v1/exports/{created['export_id']}"
    assert s9s.get(path).json() == created
    early = s9s.get(f"{path}/download")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "RESOURCE_CONFLICT")
    status = ready(server, s9s, created["export_id"])
    download = s9s.get(f"{path}/download")
    assert status == {
        **created,
        "status": "completed",
        "download_url": f"{server.s9s_url}{path}/download",
        "completed_at": "2024-01-15T10:35:02Z",
        "file_size": len(download.content),
        "record_count": 0,
    }
    assert download.text == "job_id,job_name,user,state,runtime\r\n"
    assert download.headers["Content-Type"] == "text/csv"
    assert download.headers["Content-Disposition"] == 'attachment; filename="alice_december_jobs.csv"'


def test_the_documented_export_exists(s9s: httpx.Client) -> None:
    status = s9s.get("/v1/exports/exp_abc123").json()
    text = s9s.get("/v1/exports/exp_abc123/download").text
    assert (status["status"], status["record_count"]) == ("completed", len(rows(text)))
    assert {row["user"] for row in rows(text)} == {"alice"}


def test_the_plural_works_too(s9s: httpx.Client) -> None:
    assert s9s.post("/v1/exports", json={"type": "jobs", "format": "json"}).status_code == 201


@pytest.mark.parametrize("kind", ["jobs", "nodes", "users", "partitions"])
def test_both_formats_say_what_the_lists_say(server: MockServer, s9s: httpx.Client, kind: str) -> None:
    as_json = json.loads(content(server, s9s, type=kind, format="json"))
    as_csv = rows(content(server, s9s, type=kind, format="csv"))
    listed = s9s.get(f"/v1/{kind}").json()[kind]
    key = {"jobs": "job_id", "nodes": "node_name", "users": "username", "partitions": "name"}[kind]
    assert sorted(record[key] for record in as_json) == sorted(record[key] for record in listed)
    assert set(as_json[0]) == set(listed[0]) == set(as_csv[0])
    assert [row[key] for row in as_csv] == [record[key] for record in as_json]


def test_filters_choose_jobs(server: MockServer, s9s: httpx.Client) -> None:
    def ids(**wanted: str) -> set[str]:
        return {row["job_id"] for row in rows(content(server, s9s, filter=wanted, fields=["job_id"]))}

    everything = ids()
    assert ids(user="alice") == everything
    assert ids(user="nobody") == set()
    assert ids(partition="gpu", state="running") == {"12345"}
    assert "12345" in ids(start_time="2024-01-15T08:00:00Z")
    assert "12345" not in ids(start_time="2024-01-15T10:35:00Z", end_time="2024-01-16")


def test_nodes_can_be_filtered(server: MockServer, s9s: httpx.Client) -> None:
    found = rows(content(server, s9s, type="nodes", filter={"partition": "cpu", "state": "IDLE"}))
    assert {row["node_name"] for row in found} == {"node005", "node006"}
    assert found[0]["partitions"] == "normal,cpu"
    assert found[0]["reason"] == ""


def test_details_and_structures(server: MockServer, s9s: httpx.Client) -> None:
    fields = ["job_id", "runtime", "elapsed_time", "nodes", "environment", "resources"]
    wanted = {"partition": "gpu", "state": "RUNNING"}
    (row,) = rows(content(server, s9s, fields=fields, filter=wanted, options={"delimiter": ";"}), ";")
    detail = s9s.get("/v1/jobs/12345").json()
    assert row["nodes"] == "node001,node002"
    assert row["runtime"] == row["elapsed_time"] == detail["elapsed_time"]
    assert json.loads(row["environment"]) == detail["environment"]
    assert set(json.loads(row["resources"])) == set(detail["resources"])


NAMES = ["=1+1", "-x", "@home", "+49", 'say "hi", twice', "two\nlines", "ünïcode ✓", "tab\there", " padded "]


def test_texts_come_back_as_they_were(server: MockServer, s9s: httpx.Client) -> None:
    for name in NAMES:
        assert s9s.post("/v1/jobs", json={"script": "true", "job_name": name}).status_code == 201
    text = content(server, s9s, fields=["job_name"])
    assert [row["job_name"] for row in rows(text)][-len(NAMES) :] == NAMES
    assert '"say ""hi"", twice"\r\n' in text
    records = json.loads(content(server, s9s, format="json", fields=["job_name"]))
    assert [record["job_name"] for record in records][-len(NAMES) :] == NAMES


def test_headers_can_be_left_out(server: MockServer, s9s: httpx.Client) -> None:
    text = content(server, s9s, fields=["job_id"], options={"include_headers": False})
    assert "job_id" not in text
    assert "12345\r\n" in text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "weather"}, "type"),
        ({"format": "xml"}, "format"),
        ({"fields": ["job_id", "nope"]}, "fields.1"),
        ({"fields": []}, "fields"),
        ({"type": "nodes", "fields": ["job_id"]}, "fields.0"),
        ({"type": "nodes", "filter": {"user": "alice"}}, "filter.user"),
        ({"filter": {"state": "IDLE"}}, "filter.state"),
        ({"filter": {"start_time": "soon"}}, "filter.start_time"),
        ({"filter": {"color": "red"}}, "filter.color"),
        ({"options": {"delimiter": "ab"}}, "options.delimiter"),
        ({"options": {"delimiter": '"'}}, "options.delimiter"),
        ({"options": {"delimiter": "\n"}}, "options.delimiter"),
        *(
            ({"options": {"filename": name}}, "options.filename")
            for name in ("../x.csv", "/etc/passwd", "a\\b", "..", ".", "", "a\nb", "x" * 201, "con:")
        ),
    ],
)
def test_what_means_nothing_is_refused(s9s: httpx.Client, body: dict[str, Any], field: str) -> None:
    response = s9s.post("/v1/export", json={"type": "jobs", "format": "csv", **body})
    assert (response.status_code, response.json()["error"]["details"]["field"]) == (400, field)


def test_an_odd_name_is_suggested_so_that_every_client_understands(server: MockServer, s9s: httpx.Client) -> None:
    export_id = order(s9s, options={"filename": "Ergebnis süß.csv"})
    ready(server, s9s, export_id)
    header = s9s.get(f"/v1/exports/{export_id}/download").headers["Content-Disposition"]
    assert header == "attachment; filename=\"Ergebnis s__.csv\"; filename*=UTF-8''Ergebnis%20s%C3%BC%C3%9F.csv"


def test_a_part_can_be_fetched_under_its_tag(server: MockServer, s9s: httpx.Client) -> None:
    export_id = order(s9s)
    ready(server, s9s, export_id)
    path = f"/v1/exports/{export_id}/download"
    whole = s9s.get(path)
    part = s9s.get(path, headers={"Range": "bytes=3-9", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content) == (206, whole.content[3:10])
    assert part.headers["Content-Range"] == f"bytes 3-9/{len(whole.content)}"
    assert s9s.get(path, headers={"Range": "bytes=3-9", "If-Range": '"other"'}).status_code == 200
    assert s9s.get(path, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416
    changed = s9s.get(path, headers={"If-Match": '"other"'})
    assert (changed.status_code, changed.json()["error"]["code"]) == (412, "RESOURCE_CONFLICT")


def test_an_export_is_gone_after_a_day_with_its_file(make_server: Callable[..., MockServer], tmp_path: Path) -> None:
    server = make_server(state=tmp_path)
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        export_id = order(client)
        ready(server, client, export_id)
        assert export_id in os.listdir(tmp_path / "exports")
        server.advance(24 * 3600 - 61)
        assert client.get(f"/v1/exports/{export_id}").status_code == 200
        server.advance(1)
        for path in (f"/v1/exports/{export_id}", f"/v1/exports/{export_id}/download"):
            assert client.get(path).json()["error"]["code"] == "RESOURCE_NOT_FOUND"
        assert os.listdir(tmp_path / "exports") == []


def test_files_end_with_a_reset_and_with_the_server(make_server: Callable[..., MockServer], tmp_path: Path) -> None:
    server = make_server(state=tmp_path)
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        export_id = order(client)
        ready(server, client, export_id)
        server.reset()
        assert not (tmp_path / "exports").exists()
        assert client.get(f"/v1/exports/{export_id}").status_code == 404
        assert client.get("/v1/exports/exp_abc123").status_code == 200
    server.stop()
    assert not (tmp_path / "exports").exists()


def test_a_server_that_stops_breaks_off_what_it_writes(
    make_server: Callable[..., MockServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_files, "PIECE", 1)
    server = make_server()
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        order(client)
        server.stop()


def test_only_so_many_are_kept(s9s: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MAX_KEPT", 3)
    first, *others = [order(s9s) for _ in range(4)]
    assert s9s.get(f"/v1/exports/{first}").status_code == 404
    assert all(s9s.get(f"/v1/exports/{each}").status_code == 200 for each in others)


def test_a_full_disk_fails_the_export_and_not_the_server(
    server: MockServer, s9s: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str, piece: bytes) -> None:
        with artifacts.full_disk():
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts, "_append", full)
    export_id = order(s9s)
    assert ready(server, s9s, export_id)["status"] == "failed"
    assert s9s.get(f"/v1/exports/{export_id}/download").status_code == 409


def test_who_polls_is_waiting_for_the_clock(make_server: Callable[..., MockServer]) -> None:
    server = make_server(clock="auto", rate_limits=False)
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        export_id = order(client)
        while (status := client.get(f"/v1/exports/{export_id}").json())["status"] == "processing":
            pass
        assert status["completed_at"] == "2024-01-15T10:35:02Z"


def test_links_lead_back_to_how_the_server_was_reached(make_server: Callable[..., MockServer]) -> None:
    server = make_server(s9s_port=0)
    headers = {"Authorization": "Bearer YOUR_TOKEN"}
    for base in (server.s9s_url, f"{server.url}/s9s"):
        link = httpx.get(f"{base}/v1/exports/exp_abc123", headers=headers).json()["download_url"]
        assert link == f"{base}/v1/exports/exp_abc123/download"
        assert httpx.get(link, headers=headers).status_code == 200
        assert httpx.get(link).status_code == 401


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_curl_orders_and_fetches(server: MockServer, s9s: httpx.Client, tmp_path: Path) -> None:
    def curl(*arguments: str) -> str:
        command = ["curl", "-sS", "--fail", "-H", "Authorization: Bearer YOUR_TOKEN", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout

    body = json.dumps({**DOCUMENTED, "filter": {"user": "alice"}})
    ordered = curl("-X", "POST", f"{server.s9s_url}/v1/export", "-H", "Content-Type: application/json", "-d", body)
    made = json.loads(ordered)
    status = ready(server, s9s, made["export_id"])
    curl("-OJ", status["download_url"])
    saved = tmp_path / "alice_december_jobs.csv"
    assert saved.stat().st_size == status["file_size"]
    assert len(rows(saved.read_text())) == status["record_count"]
