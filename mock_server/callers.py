"""Who a request comes from and what it asks for, which is read otherwise where it opens a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.auth import Presented
from mock_server.sockets import check_origin, socket_of, without_token

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from mock_server.auth import Credential, Keys
    from mock_server.dispatch import Match


def identify(keys: Keys, match: Match, request: Request) -> Credential:
    """Return who is calling, or raise a 401; a page of another origin needs a token for a socket."""
    opens = opens_socket(match, request)
    takes_session = any(endpoint.session for endpoint in match.methods.values())
    shown = Presented.of(request, session=takes_session, token=opens)
    credential = keys.authenticate(shown)
    if opens:
        check_origin(request, shown=shown.authorization is not None or shown.api_key is not None)
    return credential


def query_of(match: Match, request: Request) -> QueryParams:
    """Return the query without the token that may be in it."""
    params = request.query_params
    return without_token(params) if opens_socket(match, request) else params


def opens_socket(match: Match, request: Request) -> bool:
    """Tell whether the caller asks for a socket where there is one."""
    return socket_of(request) is not None and any(endpoint.socket for endpoint in match.methods.values())
