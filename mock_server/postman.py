"""The same description as a Postman collection (format 2.1)."""

from __future__ import annotations

import re
from typing import Any

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def collection(description: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Return a collection with one folder per tag; ``base_url`` and ``api_key`` are variables."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            folders.setdefault(operation["tags"][0], []).append(_item(path, method, operation))
    return {
        "info": {"name": description["info"]["title"], "schema": SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_key}}", "type": "string"}]},
        "variable": [{"key": "base_url", "value": base_url}, {"key": "api_key", "value": "YOUR_API_KEY"}],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }


def _item(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    segments = [re.sub(r"^\{(\w+)\}$", r":\1", segment) for segment in path.strip("/").split("/")]
    parameters = operation["parameters"]
    request: dict[str, Any] = {
        "method": method.upper(),
        "header": [],
        "url": {
            "raw": "{{base_url}}/" + "/".join(segments),
            "host": ["{{base_url}}"],
            "path": segments,
            "variable": [{"key": item["name"], "value": ""} for item in parameters if item["in"] == "path"],
            "query": [
                {"key": item["name"], "value": "", "description": item["description"], "disabled": True}
                for item in parameters
                if item["in"] == "query"
            ],
        },
    }
    if "requestBody" in operation:
        (media,) = operation["requestBody"]["content"]
        request |= _body(media, operation["requestBody"]["content"][media]["schema"])
    return {"name": operation["summary"], "request": request}


def _body(media: str, schema: dict[str, Any]) -> dict[str, Any]:
    if media == "multipart/form-data":
        kinds = {
            name: "file" if field.get("format") == "binary" else "text" for name, field in schema["properties"].items()
        }
        return {"body": {"mode": "formdata", "formdata": [{"key": name, "type": kind} for name, kind in kinds.items()]}}
    header = [{"key": "Content-Type", "value": media}]
    if media == "application/json":
        return {"header": header, "body": {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}}}
    return {"header": header, "body": {"mode": "file"}}
