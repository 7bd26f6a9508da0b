"""Series of measurements: as objects, as a table of pandas, as a picture."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import pytest

from tests.support.faces import Face
from tests.support.platform_samples import CLUSTER_METRICS, JOB_METRICS, POINTS
from tests.support.scripted import Json, ScriptedServer
from vantage_sdk import ClusterMetrics, JobMetrics, MetricPoint, PerformanceSeries, ServerError

mpl.use("Agg")
pyplot: Any = importlib.import_module("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


async def test_series_are_typed_and_of_a_period(face: Face) -> None:
    with ScriptedServer([Json(200, JOB_METRICS), Json(200, CLUSTER_METRICS)]) as server:
        async with face.client(server.url) as client:
            job = await client.monitoring.job_metrics("job_123", created_after="2024-01-15T10:00:00Z")
            cluster = await client.monitoring.cluster_metrics(
                "gpu cluster", created_before=datetime(2024, 1, 16, tzinfo=UTC)
            )
    assert [(request.target.partition("?")[0], request.query) for request in server.requests] == [
        ("/v1/monitoring/jobs/job_123/metrics", {"created_after": "2024-01-15T10:00:00Z"}),
        ("/v1/monitoring/clusters/gpu%20cluster/metrics", {"created_before": "2024-01-16T00:00:00Z"}),
    ]
    assert isinstance(job, JobMetrics)
    assert isinstance(cluster, ClusterMetrics)
    assert (job.job_id, cluster.cluster_id) == ("job_123", "cluster_abc")
    assert job.metrics[0] == MetricPoint.from_dict(POINTS[0])
    assert (job.metrics[1].cpu_percent, job.metrics[1].gpu_percent) == (75.0, None)
    assert (job.to_dict(), cluster.to_dict()) == (JOB_METRICS, CLUSTER_METRICS)


async def test_only_what_is_asked_for_by_name_is_fetched(face: Face) -> None:
    point = {"timestamp": "2024-01-15T10:35:00Z", "gpu_percent": 71.2}
    cluster = {"cluster_id": "c", "metrics": [{"timestamp": "2024-01-15T10:35:00Z", "cpu_percent": 3}]}
    with ScriptedServer([Json(200, {"job_id": "j", "metrics": [point]}), Json(200, cluster)]) as server:
        async with face.client(server.url) as client:
            job = await client.monitoring.job_metrics("j", metrics=["gpu_percent", "gpu_percent"])
            load = await client.monitoring.cluster_metrics(
                "c", created_after="2024-01-15T10:00:00Z", metrics=("cpu_percent", "memory_percent")
            )
    assert [request.target.partition("?")[2] for request in server.requests] == [
        "metrics=gpu_percent",
        "created_after=2024-01-15T10%3A00%3A00Z&metrics=cpu_percent%2Cmemory_percent",
    ]
    found = job.metrics[0]
    assert (found.cpu_percent, found.memory_percent, found.gpu_percent) == (None, None, 71.2)
    assert job.to_dict() == {"job_id": "j", "metrics": [point]}
    frame = job.to_pandas()
    assert frame["gpu_percent"].tolist() == [71.2]
    assert frame["cpu_percent"].isna().all()
    assert [line.get_label() for line in load.plot().lines] == ["cpu"]
    assert "71.2" in job._repr_html_()


async def test_what_nobody_measures_is_an_error_of_the_server_and_not_tried_again(face: Face) -> None:
    said = {"error": "not_supported", "message": "GPU utilisation is not supported by this backend", "request_id": "r"}
    with ScriptedServer([Json(501, said)]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(ServerError, match="GPU utilisation is not supported by this backend") as caught:
                await client.monitoring.job_metrics("j", metrics=["gpu_percent"])
    assert (caught.value.status_code, caught.value.code, len(server.requests)) == (501, "not_supported", 1)


async def test_metrics_that_are_not_embedded_in_a_job_are_fetched(face: Face) -> None:
    with ScriptedServer([Json(200, {"id": "job_123", "status": "running"}), Json(200, JOB_METRICS)]) as server:
        async with face.client(server.url) as client:
            job = await client.jobs.get("job_123", include=["metrics"])
    assert server.requests[1].path == "/v1/monitoring/jobs/job_123/metrics"
    assert job.metrics == JobMetrics.from_dict(JOB_METRICS)
    assert job.to_dict()["metrics"] == JOB_METRICS


def test_a_series_is_a_table_of_floats_by_time() -> None:
    frame = JobMetrics.from_dict(JOB_METRICS).to_pandas()
    assert [*frame.columns] == ["cpu_percent", "memory_percent", "gpu_percent"]
    assert {str(kind) for kind in frame.dtypes} == {"float64"}
    assert frame.index.name == "timestamp"
    assert str(frame.index.tz) == "UTC"
    assert frame.index[0].to_pydatetime() == datetime(2024, 1, 15, 10, 35, tzinfo=UTC)
    assert frame["cpu_percent"].tolist() == [71.2, 75.0]
    assert frame["gpu_percent"].isna().tolist() == [False, True]


def test_an_empty_series_is_an_empty_table_and_an_empty_picture() -> None:
    empty = ClusterMetrics.from_dict({"cluster_id": "c", "metrics": []})
    frame = empty.to_pandas()
    assert (len(frame), str(frame.index.tz), str(frame.dtypes["cpu_percent"])) == (0, "UTC", "float64")
    assert len(empty.plot().lines) == 0


@pytest.mark.parametrize("odd", ["many", None, [1], [{"timestamp": "soon", "cpu_percent": "hot"}, POINTS[0]]])
def test_an_odd_series_fails_nothing(odd: Any) -> None:
    series = JobMetrics.from_dict({"job_id": "j", "metrics": odd})
    assert len(series.to_pandas()) == (len(odd) if isinstance(odd, list) and isinstance(odd[0], dict) else 0)
    series.plot()
    assert series._repr_html_()


def test_a_picture_has_a_line_for_each_measurement_that_there_is() -> None:
    ax = JobMetrics.from_dict(JOB_METRICS).plot()
    assert [line.get_label() for line in ax.lines] == ["cpu", "memory", "gpu"]
    assert [*ax.lines[0].get_ydata()] == [71.2, 75.0]
    assert (ax.get_title(), ax.get_ylabel()) == ("JobMetrics of job_123", "percent")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["cpu", "memory", "gpu"]
    without = [{**point, "gpu_percent": None} for point in POINTS]
    ax = JobMetrics.from_dict({"job_id": "j", "metrics": without}).plot()
    assert [line.get_label() for line in ax.lines] == ["cpu", "memory"]


def test_the_history_of_a_cluster_is_a_table_of_all_and_a_picture_of_percents() -> None:
    point = {"timestamp": "2024-01-15T10:35:00Z", "cpu_utilization": 71.2, "jobs_submitted": 4, "avg_queue_time": 30}
    series = PerformanceSeries.from_dict({"metrics": [point], "interval": "1h", "count": 1})
    frame = series.to_pandas()
    assert [*frame.columns] == [
        "cpu_utilization",
        "memory_utilization",
        "gpu_utilization",
        "jobs_submitted",
        "jobs_completed",
        "avg_queue_time",
    ]
    assert (frame["jobs_submitted"].iloc[0], frame["jobs_completed"].isna().all()) == (4.0, True)
    ax = series.plot()
    assert [line.get_label() for line in ax.lines] == ["cpu"]
    assert (ax.get_title(), "71.2" in series._repr_html_()) == ("PerformanceSeries", True)


def test_a_picture_is_drawn_into_given_axes_in_a_given_style() -> None:
    ours = pyplot.figure().add_subplot()
    before = pyplot.get_fignums()
    drawn = JobMetrics.from_dict(JOB_METRICS).plot(ours, linewidth=3, color="black")
    assert drawn is ours
    assert pyplot.get_fignums() == before
    assert {line.get_linewidth() for line in drawn.lines} == {3}


def test_a_name_is_no_formula() -> None:
    ax = JobMetrics.from_dict({**JOB_METRICS, "job_id": r"$\frac{1$ \x1b[31m"}).plot()
    ax.figure.canvas.draw()
    assert ax.get_title().startswith(r"JobMetrics of \$")


@pytest.mark.parametrize(
    ("missing", "call", "says"),
    [
        ("pandas", lambda series: series.to_pandas(), r"to_pandas\(\) needs the extra: vantage-sdk\[pandas\]"),
        ("matplotlib", lambda series: series.plot(), r"plot\(\) needs the extra: vantage-sdk\[plot\]"),
    ],
)
def test_what_is_not_installed_is_named(missing: str, call: Any, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=says):
        call(JobMetrics.from_dict(JOB_METRICS))


@pytest.mark.parametrize(
    ("verb", "args", "given", "error", "says"),
    [
        ("job_metrics", ("..",), {}, ValueError, "job_id cannot be '..'"),
        ("cluster_metrics", (1,), {}, TypeError, "name takes text, not int"),
        ("job_metrics", ("j",), {"created_after": "?"}, ValueError, "created_after takes ISO 8601 text"),
        ("cluster_metrics", ("c",), {"created_before": 5}, TypeError, "created_before takes text or a datetime"),
        (
            "job_metrics",
            ("j",),
            {"metrics": ["gpu"]},
            ValueError,
            "metrics is one of cpu_percent, memory_percent, gpu_",
        ),
        ("cluster_metrics", ("c",), {"metrics": 5}, TypeError, "metrics takes several names, not int"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    face: Face, verb: str, args: Any, given: Any, error: type[Exception], says: str
) -> None:
    async with face.client("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(error, match=says):
            await getattr(client.monitoring, verb)(*args, **given)
