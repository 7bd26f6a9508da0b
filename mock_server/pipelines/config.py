"""What the configs of all node types have in common, and the parameters that may stand in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

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
    """The settings of a node; what is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Empty(Config):
    """No settings."""


def messages(model: type[Config], config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a config; what a parameter will fill in counts as right."""
    if not _is_text(config):
        return ["Invalid config: text must be valid Unicode"]
    try:
        model.model_validate(dict(config))
    except ValidationError as error:
        wrong = [one for one in error.errors() if not _has_placeholder(config, one["loc"])]
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
        return {key: filled(part, params) for key, part in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [filled(part, params) for part in cast("list[Any]", value)]
    return value


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
        if isinstance(value, Mapping):
            value = cast("Mapping[str | int, Any]", value).get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[part]
        else:
            break
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    if isinstance(value, Mapping):
        return all(_is_text(key) and _is_text(part) for key, part in cast("Mapping[str, Any]", value).items())
    return all(_is_text(part) for part in cast("list[Any]", value)) if isinstance(value, list) else True
