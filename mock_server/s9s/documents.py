"""The pages that need no key: the OpenAPI description in two notations, Swagger UI and ReDoc."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import yaml
from openapi_ui_bundles import redoc as redoc_bundle
from starlette.responses import HTMLResponse, Response

from mock_server.documents import ASSETS, PAGE, asset_response
from mock_server.exchange import json_response
from mock_server.openapi import describe
from mock_server.routes import Call, Routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.routes import Family

routes = Routes("openapi", prefix="/v1")
pages = Routes("documents", prefix="")

REDOC = "redoc.standalone.js"
REDOC_ASSETS = {REDOC: "text/javascript", "logo-mini.svg": "image/svg+xml"}
FOREIGN_LOGO, LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"redoc/logo-mini.svg"
"""The one thing that ReDoc would load from elsewhere, and where it is here, seen from the page."""

REDOC_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>S9S REST API</title>
</head>
<body>
<redoc spec-url="%(mount)s/v1/openapi.json"></redoc>
<script src="%(mount)s/redoc/redoc.standalone.js"></script>
</body>
</html>
"""


@routes.get("/openapi.json", public=True)
async def json(call: Call[None, None]) -> Response:
    """OpenAPI description."""
    return json_response(_mounted(call.family, call.mount), 200)


@routes.get("/openapi.yaml", public=True)
async def yaml_(call: Call[None, None]) -> Response:
    """OpenAPI description in YAML."""
    return Response(_as_yaml(call.family, call.mount), media_type="application/yaml")


@pages.get("/docs", public=True)
async def swagger_ui(call: Call[None, None]) -> Response:
    """Interactive documentation."""
    mount = call.mount
    link = f'<a href="{mount}/redoc">ReDoc</a>'
    return HTMLResponse(PAGE % {"mount": mount, "url": f"{mount}/v1/openapi.json", "links": link})


@pages.get("/docs/{asset}", public=True)
async def swagger_ui_asset(call: Call[None, None]) -> Response:
    """A file of the interactive documentation."""
    return asset_response(ASSETS, call.path["asset"])


@pages.get("/redoc", public=True)
async def redoc(call: Call[None, None]) -> Response:
    """Reference to read."""
    return HTMLResponse(REDOC_PAGE % {"mount": call.mount})


@pages.get("/redoc/{asset}", public=True)
async def redoc_asset(call: Call[None, None]) -> Response:
    """A file of the reference."""
    response = asset_response(REDOC_ASSETS, call.path["asset"], redoc_bundle.static_path)
    if call.path["asset"] != REDOC:
        return response
    return Response(bytes(response.body).replace(FOREIGN_LOGO, LOGO), media_type=REDOC_ASSETS[REDOC])


def _mounted(family: Family, mount: str) -> dict[str, Any]:
    """Return the description for callers that reach the family below ``mount``."""
    description = describe(family)
    components = description["components"]
    flows: dict[str, Any] = {"clientCredentials": {"tokenUrl": f"{mount}/oauth/token", "scopes": {}}}
    schemes = {**components["securitySchemes"], "oauth": {"type": "oauth2", "flows": flows}}
    servers = [{"url": mount or "/"}]
    return {**description, "servers": servers, "components": {**components, "securitySchemes": schemes}}


@cache
def _as_yaml(family: Family, mount: str) -> str:
    dump = cast("Callable[..., str]", yaml.safe_dump)  # pyright: ignore[reportUnknownMemberType]
    return dump(_mounted(family, mount), sort_keys=False, allow_unicode=True)
