"""Figures that a caller chooses by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from mock_server.cluster.backend import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mock_server.cluster.backend import ClusterBackend, Measure

View = TypeVar("View", bound="Mapping[str, Any]")


def check_measured(backend: ClusterBackend, names: Iterable[str], measures: Mapping[str, Measure]) -> None:
    """Raise ``UnsupportedError`` if one of the figures is never measured here; ``measures`` says what they stand for.

    Where nobody chose, such a figure is null beside the others.
    """
    for name in names:
        measure = measures.get(name)
        if measure is not None and measure in backend.unmeasured:
            raise UnsupportedError(backend.unmeasured[measure], measure)


def only(view: View, names: Sequence[str], figures: Iterable[str]) -> View:
    """Return a view without those of the ``figures`` that were not chosen; without ``names`` all are."""
    if not names:
        return view
    left_out = {*figures} - {*names}
    return cast("View", {key: value for key, value in view.items() if key not in left_out})
