"""Measurements over time, as a table and as a picture."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from vantage_sdk.core.extras import installed
from vantage_sdk.core.scrub import printable
from vantage_sdk.core.shapes import as_list
from vantage_sdk.models.base import Model, Timestamp

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class Point(Model):
    """What was measured at one time, or over the interval that begins then."""

    timestamp: Timestamp


class Series(Model):
    """Measurements of one thing, oldest first.

    ``_measured`` are what is measured; ``_drawn`` are those in percent, by the word for each in a picture; ``_owner`` is
    the field that names whose they are.
    """

    _measured: ClassVar[tuple[str, ...]]
    _drawn: ClassVar[dict[str, str]]
    _owner: ClassVar[str | None] = None

    @property
    def caption(self) -> str:
        """Return what was measured, in words."""
        name = type(self).__name__
        return name if self._owner is None else f"{name} of {vars(self).get(self._owner)}"

    @property
    def _points(self) -> list[Point]:
        found: Any = vars(self).get("metrics")  # whatever came, if it was no list of points
        return [point for point in as_list(found) or [] if isinstance(point, Point)]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table of pandas: floats with the times in UTC in front, ``NaN`` where nothing was measured.

        Raises ``ImportError`` if the extra ``pandas`` is not installed.
        """
        pandas = installed("pandas", "to_pandas()", "pandas")
        times = pandas.DatetimeIndex(pandas.to_datetime([_time(point) for point in self._points], utc=True))
        columns = {name: self._values(name) for name in self._measured}
        return pandas.DataFrame(columns, index=times.rename("timestamp"), dtype="float64")

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw what is in percent with matplotlib, a line for each measurement that there is, and return the axes.

        ``ax``: the axes to draw into, default those of a new figure; ``style``: what ``Axes.plot`` takes.  Raises
        ``ImportError`` if the extra ``plot`` is not installed.
        """
        into: Any = installed("matplotlib.pyplot", "plot()", "plot").figure().add_subplot() if ax is None else ax
        times = [_time(point) for point in self._points]
        known = [number for number, time in enumerate(times) if time is not None]
        for name, label in self._drawn.items():
            values = self._values(name)
            if any(value == value for value in values):  # noqa: PLR0124  NaN is not itself
                line = [times[number] for number in known], [values[number] for number in known]
                into.plot(*line, **{"label": label, **style})
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

        rows = [(point.timestamp, *(getattr(point, name, None) for name in self._measured)) for point in self._points]
        return table(self.caption, ("timestamp", *self._measured), rows)


def _time(point: Point) -> datetime | None:
    found: Any = point.timestamp
    return found if isinstance(found, datetime) else None
