"""Reports as files; what is in them comes from the jobs."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pypdf
import pytest

from mock_server import MockServer

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTED: dict[str, Any] = {
    "type": "utilization",
    "format": "pdf",
    "parameters": {
        "period": "month",
        "start_date": "2023-12-01",
        "end_date": "2023-12-31",
        "partitions": ["gpu", "cpu"],
        "include_charts": True,
    },
    "delivery": {"method": "email", "email": "admin@example.com"},
}


def finished(server: MockServer, s9s: httpx.Client, **body: Any) -> httpx.Response:
    """Order a report, let the clock go on, and fetch it."""
    made = s9s.post("/v1/reports", json={"type": "utilization", "format": "json", **body})
    assert made.status_code == 201, made.text
    server.advance(5)
    while True:
        newest = s9s.get("/v1/reports").json()["reports"][0]
        if newest["status"] != "processing":
            break
    assert (newest["report_id"], newest["status"]) == (made.json()["report_id"], "completed")
    download = s9s.get(newest["download_url"])
    assert download.status_code == 200
    return download


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_the_documented_order(server: MockServer, s9s: httpx.Client) -> None:
    response = s9s.post("/v1/reports", json=DOCUMENTED)
    made = response.json()
    assert response.status_code == 201
    assert made == {
        "report_id": made["report_id"],
        "type": "utilization",
        "format": "pdf",
        "status": "processing",
        "created_at": "2024-01-15T10:35:00Z",
        "download_url": None,
    }
    assert s9s.get("/v1/reports").json() == {"reports": [made], "total": 1}
    assert s9s.get(f"/v1/reports/{made['report_id']}/download").status_code == 409
    control = httpx.get(f"{server.url}/_mock/reports").json()
    assert control[0]["delivery"] == {"method": "email", "email": "admin@example.com"}
    assert control[0]["report_id"] == made["report_id"]


def test_a_pdf_is_one_and_says_what_the_json_says(server: MockServer, s9s: httpx.Client) -> None:
    parameters = {"period": "day"}
    data = finished(server, s9s, parameters=parameters).json()
    download = finished(server, s9s, format="pdf", parameters=parameters)
    assert download.headers["Content-Type"] == "application/pdf"
    assert download.headers["Content-Disposition"] == 'attachment; filename="utilization.pdf"'
    assert download.content.startswith(b"%PDF-")
    reader = pypdf.PdfReader(io.BytesIO(download.content))
    assert len(reader.pages) >= 2
    assert reader.metadata is not None
    assert reader.metadata.title == "Utilization report"
    text = text_of(download.content)
    assert "Page 2" in text
    for partition in data["tables"]["partitions"]:
        assert partition["partition"] in text
        assert str(partition["jobs"]) in text
    assert len(data["tables"]["utilization"]) == 24


def test_charts_can_be_left_out(server: MockServer, s9s: httpx.Client) -> None:
    with_charts = finished(server, s9s, format="pdf", parameters={"period": "week"}).content
    without = finished(server, s9s, format="pdf", parameters={"period": "week", "include_charts": False}).content
    assert "Percent of the nodes' resources" in text_of(with_charts)
    assert "Percent of the nodes' resources" not in text_of(without)
    drawn = [
        len(re.findall(rb" l\b| re\b", page.get_contents().get_data()))
        for page in pypdf.PdfReader(io.BytesIO(with_charts)).pages[:1]
    ]  # type: ignore[union-attr]
    assert drawn[0] > 20  # lines and boxes, not a picture


def test_utilization_is_what_jobs_were_given_of_what_there_is(make_server: Callable[..., MockServer]) -> None:
    server = make_server()
    with httpx.Client(base_url=server.s9s_url, headers={"Authorization": "Bearer YOUR_TOKEN"}) as client:
        server.advance(24 * 3600 * 30)  # what was there has ended, and left the last day
        client.post("/v1/jobs", json={"script": "sleep 43200", "partition": "cpu", "nodes": 1, "cpus_per_node": 32})
        server.advance(24 * 3600)
        parameters = {"period": "day", "partitions": ["cpu"]}
        report = finished(server, client, parameters=parameters).json()
        server.advance(6 * 3600)
        later = finished(server, client, parameters=parameters).json()["tables"]["partitions"][0]
    (cpu,) = report["tables"]["partitions"]
    assert (cpu["partition"], cpu["jobs"]) == ("cpu", 1)
    assert cpu["cpu_hours"] == pytest.approx(32 * 12, rel=0.001)
    assert cpu["cpu_percent"] == pytest.approx(25, rel=0.001)  # half of the time, half of the CPUs
    assert later["cpu_hours"] == pytest.approx(32 * 6, rel=0.01)  # half of it was before the day
    series = [point["cpu_percent"] for point in report["tables"]["utilization"]]
    assert (series[0], series[-1]) == (pytest.approx(50, rel=0.01), 0)
    assert sum(series) / len(series) == pytest.approx(report["figures"]["cpu_percent"], abs=0.05)


def test_jobs_are_counted_by_how_they_ended(server: MockServer, s9s: httpx.Client) -> None:
    before = finished(server, s9s, type="jobs", parameters={"period": "day"}).json()["figures"]
    for script in ("true", "exit 3", "exit 4"):
        s9s.post("/v1/jobs", json={"script": script, "nodes": 1})
    server.advance(10)
    report = finished(server, s9s, type="jobs", parameters={"period": "day"}).json()
    figures = report["figures"]
    assert figures["submitted"] == before["submitted"] + 3
    assert figures["failed"] == before.get("failed", 0) + 2
    assert sum(point["submitted"] for point in report["tables"]["jobs"]) == figures["submitted"]
    assert sum(row["submitted"] for row in report["tables"]["partitions"]) == figures["submitted"]


def test_efficiency_is_that_of_the_metrics(server: MockServer, s9s: httpx.Client) -> None:
    server.advance(60)
    report = finished(server, s9s, type="efficiency", parameters={"period": "month"}).json()
    metrics = s9s.get("/v1/metrics/efficiency").json()
    assert report["figures"]["jobs"] == metrics["total"]
    assert report["figures"]["cpu_efficiency"] == pytest.approx(metrics["averages"]["cpu_efficiency"], abs=0.02)
    (alice,) = report["tables"]["users"]
    assert (alice["user"], alice["jobs"]) == ("alice", metrics["total"])


def test_users_have_what_their_jobs_had(server: MockServer, s9s: httpx.Client) -> None:
    rows = list(csv.DictReader(io.StringIO(finished(server, s9s, type="users", format="csv").text)))
    assert [row["user"] for row in rows] == ["alice"]
    assert float(rows[0]["cpu_hours"]) > 0


@pytest.mark.parametrize("kind", ["utilization", "jobs", "efficiency", "users"])
@pytest.mark.parametrize("form", ["pdf", "csv", "json"])
def test_every_type_has_every_format_also_when_nothing_happened(
    server: MockServer, s9s: httpx.Client, kind: str, form: str
) -> None:
    parameters = {"start_date": "2020-01-01", "end_date": "2020-01-01"}
    content = finished(server, s9s, type=kind, format=form, parameters=parameters).content
    if form == "pdf":
        assert f"{kind.capitalize()} report" in text_of(content)
    elif form == "json":
        assert json.loads(content)["period"] == {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
    else:
        assert len(list(csv.reader(io.StringIO(content.decode())))) >= 1


@pytest.mark.parametrize(
    ("parameters", "start", "end"),
    [
        ({"start_date": "2023-12-01", "end_date": "2023-12-31"}, "2023-12-01", "2024-01-01"),
        ({"period": "week", "end_date": "2023-12-31"}, "2023-12-25", "2024-01-01"),
        ({"period": "day", "start_date": "2023-12-31"}, "2023-12-31", "2024-01-01"),
    ],
)
def test_which_days_a_report_is_about(
    server: MockServer, s9s: httpx.Client, parameters: dict[str, str], start: str, end: str
) -> None:
    period = finished(server, s9s, parameters=parameters).json()["period"]
    assert period == {"start": f"{start}T00:00:00Z", "end": f"{end}T00:00:00Z"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "weather"}, "type"),
        ({"format": "docx"}, "format"),
        ({"parameters": {"period": "age"}}, "parameters.period"),
        ({"parameters": {"start_date": "2023-13-01"}}, "parameters.start_date"),
        ({"parameters": {"start_date": "2023-12-01T00:00:00Z"}}, "parameters.start_date"),
        ({"parameters": {"start_date": "2023-12-02", "end_date": "2023-12-01"}}, "parameters"),
        ({"parameters": {"partitions": ["cpu", "moon"]}}, "parameters.partitions.1"),
        ({"delivery": {"method": "email"}}, "delivery"),
        ({"delivery": {"method": "pigeon"}}, "delivery.method"),
        ({"delivery": {"method": "email", "email": "nobody"}}, "delivery.email"),
        ({"parameters": {"color": "red"}}, "parameters.color"),
    ],
)
def test_what_means_nothing_is_refused(s9s: httpx.Client, body: dict[str, Any], field: str) -> None:
    response = s9s.post("/v1/reports", json={"type": "jobs", "format": "pdf", **body})
    assert (response.status_code, response.json()["error"]["details"]["field"]) == (400, field)


def test_reports_that_are_not_there(s9s: httpx.Client) -> None:
    assert s9s.get("/v1/reports").json() == {"reports": [], "total": 0}
    assert s9s.get("/v1/reports/rep_x/download").json()["error"]["code"] == "RESOURCE_NOT_FOUND"
