"""What an AI job runs: its image has no command, so its settings decide."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SECONDS = 30
DEFAULT_BATCHES = 100
MAX_STEPS = 10**9
MAX_SECONDS = 10**9
MAX_NAME = 200


def command_line(image: str, config: Mapping[str, Any]) -> str:
    """Return the command line of a job, which depends on nothing else.

    ``command``, a text or a list of texts, is taken as it is.  Without one the job pretends to load ``model`` (the image by
    default) and to work through ``epochs`` or ``batches`` (100 of these by default) in ``duration_seconds`` (30).
    Settings of other types mean something to the image, and nothing here.
    """
    own = config.get("command")
    if isinstance(own, str) and own.strip():
        return own
    words = cast("list[object]", own) if isinstance(own, list) else []
    if words and all(isinstance(word, str) for word in words):
        return shlex.join(cast("list[str]", words))
    epochs = _count(config.get("epochs"))
    steps = ("--epochs", epochs) if epochs else ("--batches", _count(config.get("batches")) or DEFAULT_BATCHES)
    seconds = _seconds(config.get("duration_seconds"))
    return shlex.join(
        ["run-model", steps[0], str(steps[1]), "--seconds", str(seconds), "--", model_name(image, config)]
    )


def model_name(image: str, config: Mapping[str, Any]) -> str:
    """Return the model that a job works with, else the bare name of its image."""
    model = config.get("model")
    if not isinstance(model, str) or not model.strip():
        model = image.rpartition("/")[2].partition("@")[0].partition(":")[0] or image
    return model[:MAX_NAME]


def _count(value: object) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_STEPS
    return value if is_count and isinstance(value, int) else 0


def _seconds(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return DEFAULT_SECONDS
    return value if 0 <= value <= MAX_SECONDS else DEFAULT_SECONDS
