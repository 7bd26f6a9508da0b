"""How far the long tests go: far enough for every change in ``make test``, all the way in ``make soak``."""

from __future__ import annotations

import os

SOAKING = os.environ.get("SOAK") == "1"


def effort(usual: int, soaking: int) -> int:
    """Return how many rounds, examples or bytes a long test takes."""
    return soaking if SOAKING else usual
