"""The OpenAPI 3.1 description, derived from the route table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from mock_server.validation import list_fields, without_null

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from mock_server.routes import Endpoint, Family

REFERENCE = "#/components/schemas/{model}"
VERSION = "0.1.0"

NUMBERS = frozenset({"workflow_id", "key_id"})
"""Which parts of paths are integers."""

REASONS = {
    400: "The request is not valid.",
    401: "Credentials are missing or wrong.",
    403: "The key does not allow this.",
    404: "There is no such resource.",
    409: "The resource is in a state that does not allow this, or the idempotency key is in use.",
    410: "The upload has expired.",
    412: "The resource is not the version that was asked for, or the protocol version is not supported.",
    413: "The body is too large.",
    415: "The body is of another type.",
    416: "The range is outside the file.",
    429: "Too many requests.",
    460: "The bytes do not have the checksum that came with them.",
    500: "The server failed.",
    501: "The backend has no means for this.",
    503: "A part of the server is not available.",
    507: "There is no space left.",
}

ANSWER_HEADERS: dict[str, Any] = {
    "X-Request-ID": {"description": "Names this request.", "schema": {"type": "string"}},
    "X-RateLimit-Limit": {"description": "Requests allowed in a window.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Requests left in this window.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "End of the window, epoch seconds.", "schema": {"type": "integer"}},
}

WINDOW_HEADER: dict[str, Any] = {
    "X-RateLimit-Window": {"description": "Length of the window in seconds.", "schema": {"type": "integer"}},
}

ORGANIZATION = {
    "name": "X-Organization-ID",
    "in": "header",
    "required": False,
    "description": "The organization to act for; any value is accepted.",
    "schema": {"type": "string"},
    "x-assumed": True,
}

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes repeating this request safe for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "x-assumed": True,
}


TEXT = {"type": "string"}
EVENT = {"type": "object", "properties": dict.fromkeys(("id", "event", "data"), TEXT), "required": ["data"]}
"""One event of a stream."""

OTHERS: dict[str, dict[str, Any]] = {"text/event-stream": EVENT, "application/json": {}}
"""What answers are that are no text: a file of JSON may be anything."""


@cache
def describe(family: Family) -> dict[str, Any]:
    """Return the OpenAPI document of ``family``, built once per process."""
    endpoints = [endpoint for endpoint in family.endpoints if not _is_page(endpoint)]
    schemas, components = _schemas(family, endpoints)
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(family, endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": family.dialect.title, "version": VERSION},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in family.dialect.security],
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": _answer_headers(family),
            "securitySchemes": _security_schemes(family, endpoints),
        },
    }


def _is_page(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint is about the API, not part of it."""
    return endpoint.public and endpoint.body is None and endpoint.answer is None


def _schemas(family: Family, endpoints: list[Endpoint]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the reference for every body and answer, and the definitions they point to."""
    models = {endpoint.answer for endpoint in endpoints if endpoint.answer is not None}
    models |= {endpoint.body for endpoint in endpoints if endpoint.body is not None and endpoint.stream is None}
    models.add(family.dialect.error_model)
    ordered = sorted(models, key=lambda model: str(model.__name__))
    references, definitions = TypeAdapter.json_schemas(
        [(model.__name__, "validation", TypeAdapter(model)) for model in ordered], ref_template=REFERENCE
    )
    by_model = {model: references[model.__name__, "validation"] for model in ordered}
    by_model["error"] = by_model[family.dialect.error_model]
    return by_model, definitions["$defs"]


def _operation(family: Family, endpoint: Endpoint, schemas: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "parameters": list(_parameters(endpoint)),
        "responses": {str(status): answer for status, answer in _responses(family, endpoint, schemas)},
    }
    if endpoint.assumed:
        operation["x-assumed"] = True
    if endpoint.scope is not None:
        operation["security"] = [{"bearer": [endpoint.scope]}]
    if endpoint.public:
        operation["security"] = []
    if endpoint.session:
        operation["security"] = [{"bearer": []}, {"session": []}]
    if endpoint.stream is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {
                media: {"schema": endpoint.stream.schema}
                for media in (endpoint.stream.media, *endpoint.stream.further_media)
            },
        }
    elif endpoint.body is not None:
        operation["requestBody"] = {
            "required": not endpoint.optional_body,
            "content": {"application/json": {"schema": schemas[endpoint.body]}},
        }
    return operation


def _answer_headers(family: Family) -> dict[str, Any]:
    return {**ANSWER_HEADERS, **WINDOW_HEADER} if family.dialect.rate.announced else ANSWER_HEADERS


def _security_schemes(family: Family, endpoints: list[Endpoint]) -> dict[str, Any]:
    schemes: dict[str, Any] = dict(family.dialect.security)
    if any(endpoint.session for endpoint in endpoints):
        # The documented cookie has no name, so that it cannot be described as one.
        schemes["session"] = {"type": "apiKey", "in": "header", "name": "Cookie"}
    return schemes


def _parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in endpoint.pattern.groupindex:
        schema = {"type": "integer"} if name in NUMBERS else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if endpoint.query is not None:
        yield from _query_parameters(endpoint.query)
    for header in endpoint.headers:
        yield {
            "name": header.name,
            "in": "header",
            "required": header.required,
            "description": header.description,
            "schema": header.schema,
            "x-assumed": True,
        }
    yield ORGANIZATION
    if endpoint.keyed:
        yield IDEMPOTENCY


def _query_parameters(query: type[BaseModel]) -> Iterator[dict[str, Any]]:
    schema = query.model_json_schema()
    lists = list_fields(query)
    for name, field in schema["properties"].items():
        description = field.pop("description", "")
        field.pop("title", None)
        parameter: dict[str, Any] = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": description,
            "schema": without_null(field),
        }
        if name in lists:
            parameter |= {"style": "form", "explode": True}
        yield parameter


def _responses(family: Family, endpoint: Endpoint, schemas: dict[Any, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _answer_headers(family)}
    success: dict[str, Any] = {"description": "Done.", "headers": headers}
    content = {media: {"schema": OTHERS.get(media, TEXT)} for media in endpoint.media}
    if endpoint.answer is not None:
        schema, envelope = schemas[endpoint.answer], family.dialect.envelope
        answer = schema if envelope is None else envelope.schema(schema, bare=endpoint.bare)
        content = {"application/json": {"schema": answer}, **content}
    if content:
        success["content"] = content
    yield endpoint.status, success
    if endpoint.partial:
        yield 206, {**success, "description": "A part."}
    if endpoint.degraded:
        yield 503, {**success, "description": "The same, of a service that is degraded."}
    for status in sorted({*_refusals(endpoint), *endpoint.refusals}):
        refusal: dict[str, Any] = {"description": REASONS[status], "headers": headers}
        if endpoint.method != "HEAD":
            refusal["content"] = {"application/json": {"schema": schemas["error"]}}
        yield status, refusal


def _refusals(endpoint: Endpoint) -> Iterator[int]:
    yield from (() if endpoint.public and endpoint.body is None else (400, 401))
    if endpoint.writes or endpoint.scope is not None:
        yield 403
    if endpoint.pattern.groupindex or endpoint.writes or endpoint.scope is not None or endpoint.session:
        yield 404
    if endpoint.conflicts:
        yield 409
    if endpoint.body is not None:
        yield from (413, 415)
    yield from (429, 500)
