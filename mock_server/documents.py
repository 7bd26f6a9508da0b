"""The pages that need no key: OpenAPI, Postman collection, interactive documentation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from openapi_ui_bundles import swagger_ui
from starlette.responses import HTMLResponse, Response

from mock_server.errors import ApiError
from mock_server.exchange import json_response
from mock_server.openapi import describe
from mock_server.postman import collection
from mock_server.routes import Call, Routes

routes = Routes("documents", prefix="")
workflows = Routes("documents", prefix="/api/v1")
mounted = Routes("documents", prefix="")  # where their mount is in front of it
jobservice = Routes("documents", prefix="")  # the same, or its own port or host

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Vantage API</title>
<link rel="icon" type="image/png" href="%(mount)s/docs/favicon-32x32.png">
<link rel="stylesheet" href="%(mount)s/docs/swagger-ui.css">
</head>
<body>
<p>%(links)s</p>
<div id="ui"></div>
<script src="%(mount)s/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "%(url)s", dom_id: "#ui", persistAuthorization: true});</script>
</body>
</html>
"""
LINKS = (
    '<a href="/docs">Platform</a> · <a href="/api/v1/docs">Workflows</a> · '
    '<a href="/jobservice/docs">Job service</a> · <a href="/s9s/docs">S9S</a>'
)


@routes.get("/health", public=True, assumed=True)
async def health(call: Call[None, None]) -> Response:
    """Whether the server is up."""
    return json_response({"status": "ok"}, 200)


@routes.get("/api/openapi", public=True)
async def openapi(call: Call[None, None]) -> Response:
    """OpenAPI description."""
    return json_response(describe(call.family), 200)


@routes.get("/api/postman", public=True)
async def postman(call: Call[None, None]) -> Response:
    """Postman collection."""
    return json_response(collection(describe(call.family), str(call.request.base_url).rstrip("/")), 200)


@routes.get("/docs", public=True)
async def docs(call: Call[None, None]) -> Response:
    """Interactive documentation."""
    return HTMLResponse(PAGE % {"mount": "", "url": "/api/openapi", "links": LINKS})


@mounted.get("/api/openapi", public=True, assumed=True)
@workflows.get("/openapi.json", public=True, assumed=True)
async def workflows_openapi(call: Call[None, None]) -> Response:
    """OpenAPI description of workflows."""
    return json_response(describe(call.family), 200)


@workflows.get("/docs", public=True, assumed=True)
async def workflows_docs(call: Call[None, None]) -> Response:
    """Interactive documentation of workflows."""
    return HTMLResponse(PAGE % {"mount": "", "url": "/api/v1/openapi.json", "links": LINKS})


@jobservice.get("/api/openapi", public=True, assumed=True)
@jobservice.get("/openapi.json", public=True, assumed=True)
async def jobservice_openapi(call: Call[None, None]) -> Response:
    """OpenAPI description of the job service."""
    return json_response({**describe(call.family), "servers": [{"url": call.mount or "/"}]}, 200)


@jobservice.get("/docs", public=True, assumed=True)
async def jobservice_docs(call: Call[None, None]) -> Response:
    """Interactive documentation of the job service."""
    mount = call.mount
    return HTMLResponse(PAGE % {"mount": mount, "url": f"{mount}/openapi.json", "links": LINKS if mount else ""})


@jobservice.get("/docs/{asset}", public=True, assumed=True)
@routes.get("/docs/{asset}", public=True)
async def asset(call: Call[None, None]) -> Response:
    """A file of the interactive documentation."""
    return asset_response(ASSETS, call.path["asset"])


def asset_response(assets: dict[str, str], name: str, directory: Path = swagger_ui.static_path) -> Response:
    """Return one of the ``assets``, which are content types by file name, or raise a 404."""
    if name not in assets:
        raise ApiError(404, "There is nothing at this path")
    return Response(read_asset(name, directory), media_type=assets[name], headers={"Cache-Control": "max-age=3600"})


@cache
def read_asset(name: str, directory: Path = swagger_ui.static_path) -> bytes:
    """Return a bundled file."""
    return (directory / name).read_bytes()
