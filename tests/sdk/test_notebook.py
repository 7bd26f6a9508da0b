"""What a notebook shows: tables that are bounded, escaped and say nothing secret."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.contract.reference import ROOT
from tests.support.platform_samples import CLUSTER_METRICS, INVOICE, POINTS, TEAM
from vantage_sdk import Cluster, ClusterMetrics, Invoice, Job, JobMetrics, Page, Team
from vantage_sdk.notebook import card, listing, table

JOB: dict[str, Any] = {
    "id": "job_123",
    "name": "<script>alert(1)</script>",
    "status": "running",
    "cluster_id": "a&b",
    "command": "python train.py --token hunter2",
    "environment": {"TOKEN": "hunter2"},
    "idempotency_key": "hunter2",
    "created_at": "2024-01-15T10:30:00+02:00",
}
TAGS = {"table", "caption", "thead", "tbody", "tr", "th", "td"}


class Read(HTMLParser):
    """The tags, attributes and texts of a piece of HTML; anything but a well-formed table fails."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.cells: list[str] = []
        self.caption = ""
        self._open: list[str] = []
        self.rows = 0
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert [name for name, _ in attrs] in ([], ["colspan"]), attrs
        self._open.append(tag)
        self.rows += tag == "tr"
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] == "caption":
            self.caption += data
        else:
            assert self._open[-1] in ("td", "th"), data
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment  # type: ignore[assignment]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["</td><script>", "<!--", "&lt;b&gt;", "]]>", "'\"><img src=x onerror=y>", "\x00\x1b[31m", "\u202e"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@given(values, st.lists(values, max_size=4), st.lists(st.text(max_size=9), max_size=4))
def test_no_markup_of_the_data_survives(caption: Any, row: list[Any], columns: list[str]) -> None:
    read = Read(table(str(caption), columns, [row, row]))
    assert len(read.cells) == len(columns) + 2 * len(row)
    assert read.rows == 3
    assert all(len(cell) <= 201 for cell in read.cells)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=200))
def test_a_text_is_shown_as_it_is(text: str) -> None:
    read = Read(table(text, [text], [[text]]))
    assert (read.caption, read.cells) == (text, [text, text])


@given(st.dictionaries(st.sampled_from([*JOB, "started_at", "exit_code", "reason", "metrics"]), values))
def test_a_job_of_any_shape_is_shown(received: dict[str, Any]) -> None:
    job = Job.from_dict({"id": "x", **received})
    Read(job._repr_html_())
    Read(Page([job, job], 9)._repr_html_())


def test_a_job_is_shown_without_what_people_hide_in_it() -> None:
    html = Job.from_dict(JOB)._repr_html_()
    read = Read(html)
    assert read.caption == "Job"
    assert read.cells[2:] == [
        "id",
        "job_123",
        "name",
        "<script>alert(1)</script>",
        "status",
        "running",
        "cluster_id",
        "a&b",
        "created_at",
        "2024-01-15 08:30:00 UTC",
    ]
    assert "hunter2" not in html
    assert "hunter2" not in Page([Job.from_dict(JOB)], 1)._repr_html_()


def test_a_page_is_a_line_for_each_item_and_says_how_many_there_are() -> None:
    jobs = [Job.from_dict({**JOB, "id": f"job_{number}"}) for number in range(60)]
    read = Read(Page(jobs, 1234, 60, 0, 1)._repr_html_())
    assert read.caption == "60 of 1234: Job"
    assert read.cells[:4] == ["id", "name", "status", "cluster_id"]
    assert read.rows == 1 + 50 + 1
    assert read.cells[-1] == "… of 1234"
    read = Read(Page(jobs[:2], 2, 50, 0, 1)._repr_html_())
    assert (read.rows, read.caption) == (3, "2 of 2: Job")
    assert Read(Page(jobs[:2])._repr_html_()).caption == "2 of 2: Job"
    assert Read(Page([], 0)._repr_html_()).rows == 1
    assert Read(Page(["<b>", 3])._repr_html_()).cells == ["", "<b>", "3"]


def test_a_page_stays_readable_as_text() -> None:
    page = Page([Team.from_dict(TEAM)], 1)
    assert repr(page).startswith("Page(items=[Team(id='team_123', name='research'")
    assert "<" not in repr(page)


def test_clusters_invoices_and_series_are_shown() -> None:
    cluster = Cluster.from_dict(
        {"id": "c", "name": "gpu", "total_resources": {"cpus": 4}, "nodes": [{"name": "hidden"}]}
    )
    cells = Read(cluster._repr_html_()).cells
    assert cells[-1] == "cpus=4 memory=None gpus=None"
    assert "hidden" not in cells
    cells = Read(Invoice.from_dict(INVOICE)._repr_html_()).cells
    assert cells[cells.index("amount") + 1] == "125.5"
    read = Read(ClusterMetrics.from_dict(CLUSTER_METRICS)._repr_html_())
    assert read.caption == "ClusterMetrics of cluster_abc"
    assert read.cells[4:8] == ["2024-01-15 10:35:00 UTC", "71.2", "40.1", "88"]
    many = JobMetrics.from_dict({"job_id": "j", "metrics": POINTS * 100})
    assert Read(many._repr_html_()).cells[-1] == "… of 200"


def test_values_are_short_and_times_in_utc() -> None:
    east = datetime(2024, 1, 15, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    row = [
        east,
        datetime(2024, 1, 15),
        1 / 3,
        10**5000,
        "x" * 300,
        ["a", 1],
        None,
        "\x1b[31mred\x07",
        "a\u202eb",
        "\ud800",
    ]
    cells = Read(table("", ["v"] * len(row), [row])).cells[len(row) :]
    assert cells[:3] == ["2024-01-15 10:30:00 UTC", "2024-01-15 00:00:00", "0.333333"]
    assert cells[3] == "int"
    assert cells[4] == "x" * 200 + "…"
    assert cells[5:] == ["a, 1", "", "red", "ab", "?"]


def test_a_table_has_bounds() -> None:
    endless = ([number] * 100 for number in range(10**9))
    read = Read(table("t", [f"c{number}" for number in range(100)], endless, 10**9))
    assert (read.rows, len(read.cells)) == (52, 20 * 51 + 1)
    assert len(table("t", ["c"], [["x" * 10**6]] * 100)) < 20_000
    assert Read(card("c", {"a": 1, "b": None, "c": "<"})).cells == ["", "", "a", "1", "c", "<"]
    assert Read(listing([])).caption == "0 of 0: nothing"


def test_nothing_is_loaded_from_anywhere() -> None:
    html = Page([Job.from_dict(JOB)], 99)._repr_html_() + ClusterMetrics.from_dict(CLUSTER_METRICS)._repr_html_()
    assert not [word for word in ("http", "src", "href", "style", "script>a", "url(") if word in html]


def test_the_tables_are_not_imported_unless_asked_for() -> None:
    program = (
        "import sys, json; from vantage_sdk import Job, Page, JobMetrics\n"
        f"job = Job.from_dict(json.loads({json.dumps(JOB)!r})); repr(Page([job], 1))\n"
        "names = ('vantage_sdk.notebook', 'pandas', 'matplotlib')\n"
        "print([name for name in names if name in sys.modules]); job._repr_html_()\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['vantage_sdk.notebook']"]


@pytest.mark.parametrize("kind", [Job, Page, Cluster, JobMetrics, ClusterMetrics, Team])
def test_notebooks_find_it(kind: type[Any]) -> None:
    assert callable(kind._repr_html_)
