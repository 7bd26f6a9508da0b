"""Access tokens for OAuth clients (RFC 6749, section 4.4); the request is a form, as OAuth has it, or JSON, as documented."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from urllib.parse import parse_qsl, unquote_plus

from starlette.responses import Response
from typing_extensions import TypedDict

from mock_server.bodies import StreamBody
from mock_server.errors import ApiError, invalid_field
from mock_server.exchange import json_response
from mock_server.routes import Call, Routes
from mock_server.world.tokens import LIFETIME

if TYPE_CHECKING:
    from mock_server.incoming import Incoming
    from mock_server.state import ServerState

MAX_REQUEST = 16 * 1024
FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"

routes = Routes("oauth", prefix="/oauth")


class TokenView(TypedDict):
    """An access token."""

    access_token: str
    token_type: str
    expires_in: int


class TokenRequest(StreamBody):
    """The fields of a request, of which those that mean nothing here are left alone, as the RFC asks."""

    media = "application/json"
    further_media = (FORM,)
    keyed = False
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "grant_type": {"const": GRANT},
        },
    }

    def __init__(self, fields: dict[str, str], clients: list[tuple[str, str]]) -> None:
        self.fields = fields
        self.clients = clients

    @classmethod
    async def take(cls, incoming: Incoming, state: ServerState) -> Self:  # noqa: ARG003 - a body needs only itself
        """Read the body, and the client from the Authorization header if it is there."""
        content = bytearray()
        async for chunk in incoming.chunks():
            content += chunk
            if len(content) > MAX_REQUEST:
                raise ApiError(413, f"The body must not be larger than {MAX_REQUEST} bytes")
        headers = incoming.request.headers
        is_form = headers.get("content-type", "").lower().startswith(FORM)
        fields = _from_form(bytes(content)) if is_form else _from_json(bytes(content))
        clients = _from_header(headers.get("authorization"))
        return cls(fields, clients or [(fields.get("client_id", ""), fields.get("client_secret", ""))])


@routes.post("/token", public=True)
async def token(call: Call[None, TokenRequest]) -> TokenView | Response:
    """Get an access token."""
    fields = call.body.fields
    if "grant_type" not in fields:
        raise invalid_field("grant_type", "Is missing", "required")
    if fields["grant_type"] != GRANT:
        details = {"field": "grant_type", "code": "unsupported_grant_type"}
        raise ApiError(400, f"grant_type must be {GRANT}", code="invalid_request", details=details)
    issued = next(filter(None, (call.state.tokens.issue(*client) for client in call.body.clients)), None)
    if issued is None:
        headers = {"WWW-Authenticate": 'Basic realm="oauth"'}
        raise ApiError(401, "The client is not known, or its secret is another", headers=headers)
    view: TokenView = {"access_token": issued, "token_type": "Bearer", "expires_in": int(LIFETIME)}
    return json_response(view, 200, {"Cache-Control": "no-store"})


def _from_json(content: bytes) -> dict[str, str]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise _malformed(f"The body is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise _malformed("The body must be an object")
    fields = cast("dict[str, object]", data)
    for name in ("client_id", "client_secret", "grant_type"):
        if name in fields and not isinstance(fields[name], str):
            raise invalid_field(name, "Must be text", "invalid_type")
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _from_form(content: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise _malformed("The form cannot be read") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _malformed("The form has a field twice")
    return fields


def _from_header(authorization: str | None) -> list[tuple[str, str]]:
    """Return how the client of a Basic header may be read: its two parts are encoded as in a form, or, by many, not."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        content = b64decode(value.strip(), validate=True)
    except binascii.Error:
        raise _malformed("The Authorization header cannot be read") from None
    try:
        name, _, secret = content.decode().partition(":")
    except UnicodeDecodeError:
        name, _, secret = content.decode("latin-1").partition(":")
    return [(unquote_plus(name), unquote_plus(secret)), (name, secret)]


def _malformed(message: str) -> ApiError:
    return ApiError(400, message, details={"field": "", "code": "malformed_json"})
