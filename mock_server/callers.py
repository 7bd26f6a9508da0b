"""Who is calling, by what a request shows of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.auth import Presented
from mock_server.sockets import check_origin, socket_of, without_token

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from mock_server.auth import Credential, Keys
    from mock_server.routes import Endpoint


def identify(keys: Keys, request: Request, endpoints: Collection[Endpoint]) -> Credential:
    """Return the credential that a request for one of the ``endpoints`` of a path shows, or raise a 401 or 403."""
    opens_socket = _opens_socket(request, endpoints)
    takes_session = any(endpoint.session for endpoint in endpoints)
    shown = Presented.of(request, session=takes_session, token=opens_socket)
    credential = keys.authenticate(shown)
    if opens_socket:
        check_origin(request, shown=shown.authorization is not None or shown.api_key is not None)
    return credential


def query_params(request: Request, endpoints: Collection[Endpoint]) -> QueryParams:
    """Return the query string, without the token that a handshake may have there."""
    params = request.query_params
    return without_token(params) if _opens_socket(request, endpoints) else params


def _opens_socket(request: Request, endpoints: Collection[Endpoint]) -> bool:
    """Tell whether the caller asks for a socket where there is one."""
    return socket_of(request) is not None and any(endpoint.socket for endpoint in endpoints)
