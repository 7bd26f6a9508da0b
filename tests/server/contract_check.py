"""Holds every answer of a test against the server's own OpenAPI description, read as strictly as possible."""

from __future__ import annotations

import copy
import re
from typing import Any, cast

import httpx
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
MOUNTS = re.compile("^/(platform|workflows|jobservice|s9s(/api)?)(?=/)")
PAGES = re.compile(
    "/_mock|(/workflows)?/api/(openapi|postman|v1/openapi.json|v1/docs)|(/s9s)?/(docs|redoc|v1/openapi)|/health"
    "|/jobservice/(docs|openapi|api/openapi)"
)


class ContractCheck:
    """Checks answers; ``checked`` counts them by operation."""

    def __init__(self, description: dict[str, Any], error: str = "Error") -> None:
        self._error = {"$ref": f"urn:api#/components/schemas/{error}"}
        closed = _closed(description)
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path.rstrip("/")) + "/?"), item)
            for path, item in closed["paths"].items()
        ]
        resource: Resource[Any] = Resource.from_contents(closed, default_specification=DRAFT202012)
        registry = cast("Any", Registry)()
        self._registry: Any = registry.with_resource("urn:api", resource)
        self.checked: dict[str, int] = {}

    def __call__(self, response: httpx.Response) -> None:
        """Raise ``AssertionError`` if the description does not promise this answer."""
        path = response.request.url.raw_path.decode().partition("?")[0]
        if PAGES.match(path):
            return
        path = MOUNTS.sub("", path, count=1)
        self._check_headers(response)
        operation = self._operation(response.request.method.lower(), path)
        if operation is None:
            assert response.status_code in (401, 404, 405, 429), response.status_code
            self._check_body(response, self._error)
            return
        self.checked[operation["operationId"]] = self.checked.get(operation["operationId"], 0) + 1
        promised = operation["responses"]
        assert str(response.status_code) in promised, f"{response.request.method} {path}: {response.status_code}"
        self._check_content(response, promised[str(response.status_code)].get("content"))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, item in self._paths:
            if pattern.fullmatch(path):
                operation: dict[str, Any] | None = item.get(method)
                return operation
        return None

    def _check_headers(self, response: httpx.Response) -> None:
        assert response.headers["X-Request-ID"].startswith("req_")
        for name in RATE_HEADERS:
            assert re.fullmatch(r"\d+", response.headers[name]), name

    def _check_content(self, response: httpx.Response, content: dict[str, Any] | None) -> None:
        if content is None:
            assert "content-type" not in response.headers
            return
        kind = response.headers["content-type"].partition(";")[0]
        assert kind in content or "*/*" in content, kind
        if kind == "application/json":
            self._check_body(response, _rebased(content[kind]["schema"]))

    def _check_body(self, response: httpx.Response, schema: dict[str, Any]) -> None:
        response.read()
        body = response.json()
        validator: Any = Draft202012Validator(schema, registry=self._registry)
        validator.validate(body)
        if response.status_code >= 400 and "error" in body:  # and not a probe that tells of degradation
            told = next(
                part["request_id"] for part in (body, body.get("meta"), body["error"]) if "request_id" in (part or ())
            )
            assert told == response.headers["X-Request-ID"] or "idempotency-replayed" in response.headers


def _rebased(schema: Any) -> Any:
    """Return a schema whose references can be followed from anywhere."""
    if isinstance(schema, list):
        return [_rebased(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: "urn:api" + value if key == "$ref" and isinstance(value, str) else _rebased(value)
        for key, value in cast("dict[str, Any]", schema).items()
    }


def _closed(description: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which no object may have a property that is not described."""
    closed = copy.deepcopy(description)
    parts = set(re.findall(r"""'allOf': \[{'\$ref': '#/components/schemas/(\w+)'}""", str(closed["paths"])))
    for name, schema in closed["components"]["schemas"].items():
        if name in parts:  # of answers that have more beside them
            continue
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed
