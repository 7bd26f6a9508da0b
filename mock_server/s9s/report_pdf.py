"""Reports as PDF; the library is loaded with the first one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from mock_server.wire import iso

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

    from mock_server.s9s.report_data import Chart, Report, Table

WIDTH, HEIGHT = 170 * mm, 70 * mm
PALETTE = (colors.HexColor("#1f77b4"), colors.HexColor("#ff7f0e"), colors.HexColor("#2ca02c"))
MOST_LABELS = 10
UNITS = {"cpu": "CPU", "gpu": "GPU"}
GRID = TableStyle(
    [
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8eef4")),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ("FONTSIZE", (0, 0), (-1, -1), 8),
        ("GRID", (0, 0), (-1, -1), 0.25, colors.HexColor("#b0b8c0")),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
    ]
)


def pdf(report: Report, *, author: str, charts: bool) -> bytes:
    """Return a report as a PDF file."""
    styles = getSampleStyleSheet()
    styles["Heading3"].keepWithNext = 1
    story: list[Any] = [
        Paragraph(f"{report.title} report", styles["Title"]),
        Paragraph(f"{iso(report.start)} to {iso(report.end)}", styles["Normal"]),
        Spacer(1, 6 * mm),
        _grid([("figure", "value"), *((_words(name), value) for name, value in report.figures.items())]),
        Spacer(1, 6 * mm),
    ]
    if charts:
        story += [
            KeepTogether([Paragraph(chart.title, styles["Heading3"]), _drawing(chart)]) for chart in report.charts
        ]
    for table in report.tables:
        story += [Paragraph(_words(table.name), styles["Heading3"]), _table(table), Spacer(1, 6 * mm)]
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file, pagesize=A4, title=f"{report.title} report", author=author, invariant=1, topMargin=18 * mm
    )
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return file.getvalue()


def _number(canvas: Canvas, document: Any) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawRightString(A4[0] - 20 * mm, 10 * mm, f"Page {document.page}")


def _words(name: str) -> str:
    first, *rest = (UNITS.get(word, word) for word in name.split("_"))
    return " ".join((first[:1].upper() + first[1:], *rest))


def _table(table: Table) -> LongTable:
    return _grid([table.columns, *table.rows])


def _grid(rows: list[Any]) -> LongTable:
    head, *body = rows
    texts = [[_words(str(cell)) for cell in head], *([str(cell) for cell in row] for row in body)]
    return LongTable(texts, repeatRows=1, hAlign="LEFT", style=GRID)


def _drawing(chart: Chart) -> Drawing:
    drawing = Drawing(WIDTH, HEIGHT)
    if not chart.labels:
        return drawing
    # What the library's stubs say about lengths is that they are whole numbers, which they need not be.
    plot: Any = HorizontalLineChart() if chart.kind == "lines" else VerticalBarChart()
    plot.x, plot.y, plot.width, plot.height = 12 * mm, 14 * mm, WIDTH - 18 * mm, HEIGHT - 26 * mm
    plot.data = [tuple(values) for values in chart.series.values()]
    step = -(-len(chart.labels) // MOST_LABELS)
    shown = [label.removesuffix("T00:00:00Z") for label in chart.labels]
    plot.categoryAxis.categoryNames = [label if number % step == 0 else "" for number, label in enumerate(shown)]
    plot.categoryAxis.labels.fontSize = plot.valueAxis.labels.fontSize = 6
    plot.categoryAxis.labels.angle, plot.categoryAxis.labels.boxAnchor = 20, "ne"
    plot.valueAxis.valueMin = 0
    plot.valueAxis.valueMax = max((max(values, default=0.0) for values in plot.data), default=0.0) * 1.1 or 1.0
    styled = plot.lines if chart.kind == "lines" else plot.bars
    for number, color in zip(range(len(plot.data)), PALETTE, strict=False):
        styled[number].strokeColor = color
        if chart.kind == "bars":
            styled[number].fillColor = color
    drawing.add(plot)
    drawing.add(_legend(list(chart.series)))
    return drawing


def _legend(names: list[str]) -> Any:
    legend: Any = Legend()
    legend.x, legend.y, legend.boxAnchor = 14 * mm, HEIGHT - 2 * mm, "nw"
    legend.alignment, legend.columnMaximum, legend.deltax, legend.fontSize = "right", 1, 60, 7
    legend.colorNamePairs = list(zip(PALETTE, names, strict=False))
    return legend
