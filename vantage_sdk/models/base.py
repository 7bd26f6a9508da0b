"""What all models share: they keep what was received, and no odd field makes a whole answer fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from vantage_sdk.core.shapes import as_list, as_object

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer

M = TypeVar("M", bound="Model")
log = logging.getLogger("vantage_sdk")

Timestamp = AwareDatetime


class Model(BaseModel):
    """An immutable object of the API.

    Fields that the SDK does not know are kept: ``extra`` has them by name, and they can be read as attributes.  A known
    field whose value has an unexpected type keeps that value.  ``to_dict()`` is exactly what was received.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=(), defer_build=True)

    _shown: ClassVar[tuple[str, ...]] = ()  # what a notebook shows, unless all plain fields

    @classmethod
    def from_dict(cls, received: Mapping[str, Any]) -> Self:
        """Build the object from what was ``received``; raise ``ValueError`` only if that is no JSON object at all."""
        if not isinstance(received, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  it comes from outside
            raise ValueError(f"expected a JSON object for {cls.__name__}, got {type(received).__name__}")
        try:
            item: Self = _validator(cls)(received)
        except ValidationError as error:
            item = _salvaged(cls, received, error)
        _attach(item, received)
        return item

    def to_dict(self) -> dict[str, Any]:
        """Return what was received, unchanged; for an object made by hand, its fields that were set."""
        received = self.__dict__.get("_received")
        return self.model_dump(mode="json", exclude_unset=True) if received is None else deepcopy(dict(received))

    @property
    def extra(self) -> dict[str, Any]:
        """Return the fields that this version of the SDK does not know."""
        known = type(self).model_fields
        return {name: value for name, value in self.to_dict().items() if name not in known}

    @classmethod
    def _columns(cls) -> tuple[str, ...]:
        return cls._shown or tuple(
            name for name, info in cls.model_fields.items() if info.repr and not _model_in(info.annotation)
        )

    def _repr_html_(self) -> str:
        from vantage_sdk.notebook import card

        return card(type(self).__name__, {name: getattr(self, name, None) for name in self._columns()})

    if not TYPE_CHECKING:  # a misspelt attribute stays an error for type checkers

        def __getattr__(self, name: str) -> Any:
            received = self.__dict__.get("_received")
            if received is not None and name in received and not name.startswith("_"):
                return received[name]
            return super().__getattr__(name)


@cache
def _validator(cls: type[M]) -> Callable[[Any], M]:
    """Return the bare validator of a model, which costs a fifth less than ``model_validate``."""
    cls.model_rebuild()
    return cls.__pydantic_validator__.validate_python


def _attach(item: Model, received: Mapping[str, Any]) -> None:
    """Let the object, and the objects in it, remember what they were made from."""
    values: dict[str, Any] = vars(item)
    values["_received"] = received
    for name in _nested(type(item)):
        value = values.get(name)
        if not value:
            continue
        raw: Any = received.get(name)
        if isinstance(value, Model):
            if raw is not None:  # else it is the default for a field that was not sent
                _attach(value, raw)
        elif (parts := as_list(value)) and isinstance(parts[0], Model):
            for part, raw_part in zip(parts, raw, strict=True):
                _attach(part, raw_part)


@cache
def _nested(cls: type[Model]) -> tuple[str, ...]:
    return tuple(name for name, info in cls.model_fields.items() if _model_in(info.annotation))


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _salvaged(cls: type[M], received: Mapping[str, Any], error: ValidationError) -> M:
    """Keep the odd values as they came and validate the rest; a missing field is ``None``."""
    odd = {str(fault["loc"][0]): fault["type"] for fault in error.errors(include_url=False, include_input=False)}
    log.warning(
        "unexpected values in %s: %s", cls.__name__, ", ".join(f"{name} ({kind})" for name, kind in odd.items())
    )
    item = cls.model_construct()
    values: dict[str, Any] = vars(item)
    for name in cls.model_fields:
        if name in odd:
            values[name] = _rescued(cls.model_fields[name].annotation, received.get(name), odd[name])
        elif name in received:
            values[name] = _validated(cls, name, received[name])
    return item


def _validated(cls: type[Model], name: str, value: Any) -> Any:
    scratch = cls.model_construct()
    cls.__pydantic_validator__.validate_assignment(scratch, name, value)
    return scratch.__dict__[name]


def _rescued(annotation: Any, value: Any, kind: str) -> Any:
    """Make the most of an odd value: a time without a zone is UTC, an object or a list of objects keeps its good fields."""
    if kind == "timezone_aware" and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    model = _model_in(annotation)
    found = as_object(value)
    if model is not None and found is not None:
        return model.from_dict(found)
    parts = as_list(value)
    if model is not None and parts and all(isinstance(part, Mapping) for part in parts):
        return [model.from_dict(part) for part in parts]
    return value


def one(model: type[M]) -> Callable[[Answer], M]:
    """Return the decoder of an answer that is one object."""

    def decode(answer: Answer) -> M:
        return model.from_dict(parsed(answer))

    return decode


def parsed(answer: Answer) -> Any:
    """Return the JSON of an answer; raise ``ValueError`` if it is none."""
    try:
        return from_json(answer.body)
    except ValueError as error:
        kind = answer.headers.get("content-type", "no content type")
        raise ValueError(f"no valid JSON ({kind}): {error}") from None


def parsed_object(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of an answer as it is; raise ``ValueError`` if it is none."""
    found = as_object(parsed(answer))
    if found is None:
        raise ValueError("the answer is no JSON object")
    return found


def nothing(_: Answer) -> None:
    """Decode an answer whose body does not matter."""
