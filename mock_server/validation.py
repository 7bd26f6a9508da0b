"""Strict checking of query strings and bodies, with faults that name the field."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, get_origin

import pydantic_core
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from mock_server.errors import ApiError, Fault, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema
    from starlette.datastructures import QueryParams

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(?:([Zz])|([+-]\d\d:?\d\d))?)?", re.ASCII
)


class StrictBody(BaseModel):
    """A request body: nothing unknown, nothing converted; ``complaint`` is what a refusal says about it as a whole."""

    complaint: ClassVar[str | None] = None
    model_config = ConfigDict(strict=True, extra="forbid")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Leave out the default of what is optional: it is absence, not null."""
        schema = handler(core)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            if "default" in field and field["default"] is None:
                del field["default"]
        return schema


class StrictQuery(BaseModel):
    """A query string: nothing unknown, text converted only where it spells the type exactly."""

    model_config = ConfigDict(extra="forbid")


def _no_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null_not_allowed", "Must not be null; leave it out instead")
    return value


def _integer(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        raise PydanticCustomError("int_parsing", "Must be a whole number")
    return value


def whole(value: Any) -> Any:
    """Return the integer for a JSON number without a fraction, ``2.0`` as well as ``2``."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _boolean(value: Any) -> Any:
    if isinstance(value, str) and value not in ("true", "false"):
        raise PydanticCustomError("bool_parsing", "Must be 'true' or 'false'")
    return value


def _instant(value: Any) -> Any:
    return parse_instant(value) if isinstance(value, str) else value


def parse_instant(text: str) -> float:
    """Return seconds since the epoch for an ISO 8601 date or time; no offset means UTC, a bare date midnight."""
    match = _INSTANT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day, minute, second, fraction, _, offset = match.groups()
        # A leap second has no place in datetime; the second before it is close enough for a filter.
        second = "59" if second == "60" else second or "00"
        digits = (fraction or "")[:7]
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second}{digits}{offset or '+00:00'}")
    except ValueError:
        raise PydanticCustomError("datetime_parsing", "Must be an ISO 8601 date or time") from None
    return (moment - EPOCH).total_seconds()


class _NullHidden:
    """Leaves null out of the JSON schema."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return without_null(handler(core))


# Optional in a body: may be left out, may not be null.
Maybe = Annotated[T | None, BeforeValidator(_no_null), _NullHidden()]

# The bounds stand in front of the conversion, where the JSON schema sees them.
LARGEST = 10**15
QueryCount = Annotated[int, Field(ge=0, le=LARGEST), BeforeValidator(_integer)]
QueryNumber = Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(_integer)]
QueryBool = Annotated[bool, BeforeValidator(_boolean)]
Instant = Annotated[
    float,
    BeforeValidator(_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of something that may be absent but not null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {**rest, "anyOf": choices} if choices else rest


def check_query(model: type[M] | None, params: QueryParams) -> M | None:
    """Return the checked query string."""
    lists = set[str]() if model is None else list_fields(model)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name in params:
        given = params.getlist(name)
        if name in lists:
            values[name] = [part for value in given for part in value.split(",")]
        elif len(given) > 1:
            faults.append(Fault(name, "repeated", "Must be given only once"))
        else:
            values[name] = given[0]
    if model is None:
        faults += [Fault(name, "unknown_field", "Unknown query parameter") for name in values]
        checked = None
    else:
        checked, found = _validate(model, values, "Unknown query parameter")
        faults += found
    if faults:
        raise invalid(faults)
    return checked


def check_body(model: type[M], content: bytes) -> M:
    """Return the checked JSON body."""
    try:
        data = pydantic_core.from_json(content, allow_inf_nan=False)
        json.dumps(data, allow_nan=False)  # which 1e999 is not, though it was none of the words for it
    except ValueError as error:
        raise ApiError(
            400, f"The body is not valid JSON: {error}", details={"field": "", "code": "malformed_json"}
        ) from None
    checked, faults = _validate(model, data, "Unknown field")
    if checked is None:
        raise invalid(faults, getattr(model, "complaint", None))
    return checked


def list_fields(model: type[BaseModel]) -> set[str]:
    """Return the names of the parameters that may be repeated or comma-joined."""
    return {name for name, field in model.model_fields.items() if get_origin(field.annotation) in (list, tuple)}


def _validate(model: type[M], data: object, unknown: str) -> tuple[M | None, list[Fault]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, list(_faults(error, unknown))


def _faults(error: ValidationError, unknown: str) -> Iterable[Fault]:
    """Yield one fault per field and kind; the branches of a union say the same about one field."""
    seen = set[tuple[str, str]]()
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        kind = item["type"]
        fault = Fault(_field(item["loc"]), _code(kind), unknown if kind == "extra_forbidden" else item["msg"])
        if (fault.field, fault.code) not in seen:
            seen.add((fault.field, fault.code))
            yield fault


def _field(location: Sequence[int | str]) -> str:
    """Return ``resources.cpus`` for a location, without the branches of a union."""
    return ".".join(str(part) for part in location if not re.search(r"[\[\](]|^(int|str|constrained-\w+)$", str(part)))


def _code(kind: str) -> str:
    if kind == "missing":
        return "required"
    if kind == "extra_forbidden":
        return "unknown_field"
    if kind.endswith(("_type", "_parsing")):
        return "invalid_type"
    return kind if kind == "null_not_allowed" else "invalid_value"
