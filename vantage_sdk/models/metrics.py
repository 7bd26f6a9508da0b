"""Series of measurements."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import Field

from vantage_sdk.core.extras import installed
from vantage_sdk.core.scrub import printable
from vantage_sdk.core.shapes import as_list
from vantage_sdk.models.base import Model, Timestamp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLUMNS = ("cpu_percent", "memory_percent", "gpu_percent")


class MetricPoint(Model):
    """Utilization at one time, in percent of what the job or cluster has."""

    timestamp: Timestamp
    cpu_percent: float | None = None
    memory_percent: float | None = None
    gpu_percent: float | None = None


class Series(Model):
    """Measurements of one thing, oldest first, as a table and as a picture."""

    _owner: ClassVar[str]
    if TYPE_CHECKING:
        metrics: list[MetricPoint]

    @property
    def caption(self) -> str:
        """Return what was measured, in words."""
        return f"{type(self).__name__} of {vars(self).get(self._owner)}"

    @property
    def _points(self) -> list[MetricPoint]:
        found: Any = self.metrics  # whatever came, if it was no list of points
        return [point for point in as_list(found) or [] if isinstance(point, MetricPoint)]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table of pandas: floats with the times in UTC in front, ``NaN`` where nothing was measured.

        Raises ``ImportError`` if the extra ``pandas`` is not installed.
        """
        pandas = installed("pandas", "to_pandas()", "pandas")
        times = pandas.DatetimeIndex(pandas.to_datetime([_time(point) for point in self._points], utc=True))
        columns = {name: self._values(name) for name in COLUMNS}
        return pandas.DataFrame(columns, index=times.rename("timestamp"), dtype="float64")

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the series with matplotlib, a line for each measurement that there is, and return the axes.

        ``ax``: the axes to draw into, default those of a new figure; ``style``: what ``Axes.plot`` takes.  Raises
        ``ImportError`` if the extra ``plot`` is not installed.
        """
        into: Any = installed("matplotlib.pyplot", "plot()", "plot").figure().add_subplot() if ax is None else ax
        times = [_time(point) for point in self._points]
        known = [number for number, time in enumerate(times) if time is not None]
        for name in COLUMNS:
            values = self._values(name)
            if any(value == value for value in values):  # noqa: PLR0124  NaN is not itself
                line = [times[number] for number in known], [values[number] for number in known]
                into.plot(*line, **{"label": name.removesuffix("_percent"), **style})
        into.set(
            title=printable(self.caption).replace("$", r"\$"), xlabel="time (UTC)", ylabel="percent", ylim=(0, 105)
        )
        if into.get_legend_handles_labels()[0]:
            into.legend()
        into.figure.autofmt_xdate()
        return cast("Axes", into)

    def _values(self, name: str) -> list[float]:
        found = [getattr(point, name, None) for point in self._points]
        return [float(value) if isinstance(value, int | float) else float("nan") for value in found]

    def _repr_html_(self) -> str:
        from vantage_sdk.notebook import table

        rows = [(point.timestamp, *(getattr(point, name, None) for name in COLUMNS)) for point in self._points]
        return table(self.caption, ("timestamp", *COLUMNS), rows)


def _time(point: MetricPoint) -> datetime | None:
    found: Any = point.timestamp
    return found if isinstance(found, datetime) else None


class JobMetrics(Series):
    """Measurements of one job, oldest first."""

    _owner: ClassVar[str] = "job_id"
    job_id: str
    metrics: list[MetricPoint] = Field(default_factory=list[MetricPoint])


class ClusterMetrics(Series):
    """Measurements of one cluster, oldest first."""

    _owner: ClassVar[str] = "cluster_id"
    cluster_id: str
    metrics: list[MetricPoint] = Field(default_factory=list[MetricPoint])
