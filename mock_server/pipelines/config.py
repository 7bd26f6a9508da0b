"""What the configs of all node types have in common, and the parameters that may stand in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from mock_server.pipelines.errors import ParameterError

_PLACEHOLDER = re.compile(r"\{\{\s*(?:params\.)?(\w+)\s*\}\}")

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Text = Annotated[str, StringConstraints(max_length=10_000)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[Name], BeforeValidator(_as_list)]
"""Column names; one alone may be given as it is."""


class Config(BaseModel):
    """The settings of a node; what is not declared is an error, and text is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def messages(model: type[Config], config: Mapping[str, Any], *, final: bool = False) -> list[str]:
    """Return what is wrong with a config; unless it is final, what a parameter will fill in counts as right."""
    if not _is_text(config):
        return ["Invalid config: text must be valid Unicode, and not nested too deeply"]
    try:
        model.model_validate(dict(config))
    except ValidationError as error:
        wrong = [one for one in error.errors() if final or not _has_placeholder(config, one["loc"])]
        return [_message(one["type"], one["loc"], one["msg"]) for one in wrong]
    return []


def _message(kind: str, loc: tuple[int | str, ...], text: str) -> str:
    place = ".".join(str(part) for part in loc)
    if kind == "missing":
        return f"Missing required config field: {place}"
    if kind == "extra_forbidden":
        return f"Unknown config field: {place}"
    text = text.removeprefix("Value error, ")
    return f"Invalid config field {place}: {text}" if place else text


def filled(value: Any, params: Mapping[str, Any]) -> Any:
    """Return a config with ``{{name}}`` replaced; a value that is nothing else becomes the parameter itself."""
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value.strip())
        if whole:
            return _parameter(whole[1], params)
        return _PLACEHOLDER.sub(lambda found: str(_parameter(found[1], params)), value)
    if isinstance(value, Mapping):
        return {key: filled(part, params) for key, part in items(value)}
    return [filled(part, params) for part in listed(value)] if isinstance(value, list) else value


def items(value: Any) -> list[tuple[str, Any]]:
    """Return the fields of an object."""
    return list(value.items())


def listed(value: Any) -> list[Any]:
    """Return what stands in a list, or the one value that is no list."""
    return list(value) if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownArgumentType]


def _parameter(name: str, params: Mapping[str, Any]) -> Any:
    if name not in params:
        raise ParameterError(f"Missing parameter: {name}")
    return params[name]


def _has_placeholder(config: Mapping[str, Any], loc: Sequence[int | str]) -> bool:
    """Tell whether the value at ``loc``, or what it is part of, is still to be filled in; without ``loc``, any value."""
    if not loc:
        return any(isinstance(one, str) and _PLACEHOLDER.search(one) for one in config.values())
    value: Any = config
    for part in loc:
        if not isinstance(value, Mapping | list):
            break
        value = _within(value, part)
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None


def _within(value: Any, part: int | str) -> Any:
    """Return a part of a value; what stands in its place may be no part of what was given."""
    try:
        return value[part]
    except (LookupError, TypeError):
        return None


def _is_text(value: Any) -> bool:
    """Tell whether all of a value can be written down; half a surrogate pair cannot, nor what is nested too deeply."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
