"""From a job template to the documented request body."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from vantage_sdk.models.base import Model

Template = Mapping[str, Any] | Model


def submission(
    template: Template, *, name: str | None, cluster: str | None, priority: int | None, env: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the flat body with the overrides applied, and the template's ``spec`` untouched beside it.

    Raises ``TypeError`` or ``ValueError`` naming the field for what no server could accept.
    """
    body = dict(template.to_dict() if isinstance(template, Model) else _mapping("template", template))
    spec = body.get("spec")
    if spec is not None:
        body = {**_flat(_mapping("spec", spec)), **body}
    if cluster is not None:
        body.pop("cluster", None)
        body["cluster_id"] = _text("cluster", cluster)
    if name is not None:
        body["name"] = _text("name", name)
    if priority is not None:
        body["priority"] = _whole("priority", priority)
    given = {**_mapping("env", body.pop("env", None) or {}), **_mapping("environment", body.get("environment") or {})}
    merged = {**given, **_mapping("env", env or {})}
    if merged:
        body["environment"] = {_text("env", key): _value(key, value) for key, value in merged.items()}
    if not body.get("name"):
        raise ValueError("name is missing: a job template needs one")
    if not body.get("command") and not body.get("spec"):
        raise ValueError("command is missing: a job template needs command, or spec with an image or a command")
    return body


def _flat(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat fields that a container spec means: quoted command, whole cores."""
    flat: dict[str, Any] = {}
    command = spec.get("command")
    if isinstance(command, str):
        flat["command"] = command
    elif command:
        if not isinstance(command, list | tuple) or not all(isinstance(part, str) for part in command):  # pyright: ignore[reportUnknownVariableType]
            raise TypeError("spec.command takes text or a list of texts")
        flat["command"] = shlex.join(command)  # pyright: ignore[reportUnknownArgumentType]
    wanted = _mapping("spec.resources", spec.get("resources") or {})
    resources = {
        "cpus": None if wanted.get("cpu") is None else cores(wanted["cpu"]),
        "memory": wanted.get("memory"),
        "gpus": None if wanted.get("gpu") is None else _count("spec.resources.gpu", wanted["gpu"]),
    }
    if found := {key: value for key, value in resources.items() if value is not None}:
        flat["resources"] = found
    return flat


def cores(quantity: str | float) -> int:
    """Return whole CPU cores for ``"2"``, ``"500m"`` or ``0.5``, rounded up: the flat API knows no fractions."""
    text = str(quantity).strip()
    try:
        number = float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e9 or isinstance(quantity, bool):
        raise ValueError(f"spec.resources.cpu takes cores like '2' or '500m', not {quantity!r}")
    return math.ceil(number)


def _mapping(field: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{field} takes a mapping, not {type(value).__name__}")
    return value  # pyright: ignore[reportUnknownVariableType]


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{field} takes text, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{field} is empty")
    return value


def _value(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"env[{key!r}] takes text, not {type(value).__name__}")
    return value


def _whole(field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field} takes a whole number, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{field} is a number from 0, not {value}")
    return value


def _count(field: str, value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return _whole(field, value)
