"""The documented examples of S9S, and whether an answer has the keys and types of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

SAMPLES = Path(__file__).parent / "data" / "s9s"


def sample(name: str) -> Any:
    """Return a documented example."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def assert_like(answer: Any, printed: Any, place: str = "") -> None:
    """Check that ``answer`` has the keys of the printed example, each with a value of the same type, or null."""
    if isinstance(printed, dict):
        fields = cast("dict[str, Any]", printed)
        assert set(fields) <= set(answer), f"{place}: {set(fields) - set(answer)} missing"
        for key, value in fields.items():
            assert_like(answer[key], value, f"{place}.{key}")
    elif isinstance(printed, list):
        assert isinstance(answer, list), place
        for item in cast("list[Any]", answer):
            assert_like(item, printed[0] if printed else item, f"{place}[]")
    elif printed is not None and answer is not None:
        kinds = (int, float) if isinstance(printed, float) else type(printed)
        assert isinstance(answer, kinds), f"{place}: {answer!r} is not like {printed!r}"
