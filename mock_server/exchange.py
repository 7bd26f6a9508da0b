"""One request from its arrival to the last byte of its answer."""

from __future__ import annotations

import logging
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, cast

import pydantic_core
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from mock_server.auth import NOBODY
from mock_server.browsers import OPEN, preflight
from mock_server.callers import identify, query_of
from mock_server.delivery import Delivery
from mock_server.dispatch import PORT
from mock_server.errors import ApiError
from mock_server.idempotency import HEADER, check_key, fingerprint, same_json
from mock_server.incoming import Incoming
from mock_server.refusals import refusals
from mock_server.routes import Call
from mock_server.validation import check_body, check_query

if TYPE_CHECKING:
    from pydantic import BaseModel
    from starlette.types import Receive, Scope, Send

    from mock_server.auth import Credential
    from mock_server.bodies import StreamBody
    from mock_server.dispatch import Dispatcher, Match
    from mock_server.limits import Window
    from mock_server.routes import Endpoint
    from mock_server.state import ServerState

MAX_BODY = 1024 * 1024

_log = logging.getLogger("mock_server")


class Exchange:
    """The stations a request passes; each may end it by raising an ``ApiError``."""

    def __init__(self, state: ServerState, dispatcher: Dispatcher, scope: Scope, receive: Receive, send: Send) -> None:
        self.state = state
        self.request = Request(scope, receive)
        self.delivery = Delivery(scope, receive, send, self._pause)
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        self.match: Match = dispatcher.match(path, self.request.headers.get("host", ""), scope.get(PORT))
        self.request_id = state.next_request_id()
        self.window: Window | None = None
        self.polled = False
        self.is_preflight = self.match.family.dialect.open_to_browsers and self.request.method == "OPTIONS"
        self.record = state.journal.open(
            at=state.time.now(),
            request_id=self.request_id,
            method=self.request.method,
            path=self.match.path,
            query=scope["query_string"].decode("latin-1"),
            headers=scope["headers"],
        )
        self.fault = state.faults.pick(self.request.method, self.match.path)
        self.incoming = Incoming(self.request, self.record, self.fault)

    async def run(self) -> None:
        """Answer the request, well or as the fault plan wants it."""
        fault = self.fault
        if fault is not None:
            self.record.fault = fault.name
        if fault is not None and fault.reset == "before":
            await self.delivery.reset()
            return
        try:
            response = await self._answer()
        except ClientDisconnect:
            await self.delivery.drop()
            return
        response = self._complete(response)
        if fault is not None and fault.reset == "after":
            await self.delivery.reset()
        else:
            try:
                await self.delivery.deliver(response, fault)
            except ClientDisconnect:
                await self.delivery.drop()
        if self.polled and self.state.time.automatic:
            self.state.time.jump()

    async def _answer(self) -> Response:
        try:
            self.state.time.catch_up()
            return await self._planned() or await self._work()
        except ClientDisconnect:
            raise
        except ApiError as error:
            return self._refusal(error)
        except Exception:
            _log.exception("%s %s failed", self.request.method, self.match.path)
            return self._refusal(ApiError(500, "The server failed to handle this request"))

    async def _planned(self) -> Response | None:
        """Return the answer that the fault plan prescribes instead of any work."""
        fault = self.fault
        if fault is None or (fault.status is None and fault.storm is None):
            return None
        await self._pause(fault.delay)
        status = fault.status or 429
        wait = fault.retry_after if fault.retry_after is not None or fault.storm is None else 1
        headers = dict(fault.headers) if wait is None else {**fault.headers, "Retry-After": f"{wait:g}"}
        if fault.body is None and status < 400:
            return Response(status_code=status, headers=headers)
        if fault.body is None:
            return self._refusal(ApiError(status, "This failure was planned", headers=headers))
        if isinstance(fault.body, str):
            return PlainTextResponse(fault.body, status, headers)
        return json_response(fault.body, status, headers)

    async def _work(self) -> Response:
        if self.is_preflight:
            return preflight(self.match.methods or {endpoint.method for endpoint in self.match.family.endpoints})
        endpoint = self.match.methods.get(self.request.method)
        credential = self._admit(public=endpoint is not None and endpoint.public)
        endpoint = self.match.endpoint(self.request.method)
        if credential is None and endpoint.stream is not None:
            return await self._work_on_stream(endpoint, endpoint.stream, NOBODY, None)
        if credential is None:
            return await self._invoke(endpoint, self._call(NOBODY, None, None))
        if endpoint.writes and not credential.can_write:
            raise ApiError(403, "This key may only read")
        if endpoint.scope is not None and endpoint.scope not in credential.scopes:
            raise ApiError(403, f"This key lacks the scope {endpoint.scope}")
        query = check_query(endpoint.query, query_of(self.match, self.request))
        if endpoint.stream is not None:
            return await self._work_on_stream(endpoint, endpoint.stream, credential, query)
        if endpoint.body is None:
            return await self._keyed(endpoint, self._call(credential, query, None), self._declared_headers(endpoint))
        content = await self._content(optional=endpoint.optional_body)
        call = self._call(credential, query, check_body(cast("type[BaseModel]", endpoint.body), content))
        return await self._keyed(endpoint, call, same_json(content))

    async def _work_on_stream(
        self, endpoint: Endpoint, kind: type[StreamBody], credential: Credential, query: object
    ) -> Response:
        self._check_media(kind.media, *kind.further_media)
        with refusals():
            body = await kind.take(self.incoming, self.state)
        try:
            return await self._keyed(endpoint, self._call(credential, query, body), body.fingerprint)
        finally:
            await body.discard()

    async def _keyed(self, endpoint: Endpoint, call: Call[Any, Any], content: bytes) -> Response:
        """Invoke the endpoint, under the caller's idempotency key if there is one."""
        if endpoint.keyed and self.state.honours_keys:
            call.idempotency_key = check_key(self.request.headers.get(HEADER))
        if call.idempotency_key is None:
            return await self._invoke(endpoint, call)
        return await self._once(endpoint, call, call.idempotency_key, content)

    def _declared_headers(self, endpoint: Endpoint) -> bytes:
        """Return the headers that the endpoint reads, which without a body are all that a request says."""
        values = ((header.name, self.request.headers.get(header.name)) for header in endpoint.headers)
        return "\n".join(f"{name}: {value}" for name, value in values if value is not None).encode()

    def _call(self, credential: Credential, query: object, body: object) -> Call[Any, Any]:
        at = self.match
        return Call(self.request, self.state, at.family, credential, at.params, query, body, self.fault, at.mount)

    def _admit(self, *, public: bool) -> Credential | None:
        """Return who is calling, counted against the budget; ``None`` is allowed in where no key is needed."""
        credential: Credential | None = None
        refusal: ApiError | None = None
        try:
            credential = None if public else self._identify()
        except ApiError as error:
            refusal = error
        self.state.limits.check(self._count(credential))
        if refusal is not None:
            raise refusal
        return credential

    def _identify(self) -> Credential:
        return identify(self.state.keys(self.match.family.dialect.name), self.match, self.request)

    def _count(self, credential: Credential | None) -> Window:
        """Count this request for its key, or for its address if it has none."""
        dialect = self.match.family.dialect
        address = self.request.client.host if self.request.client else "local"
        caller = f"key {credential.key}" if credential is not None and credential.key else f"address {address}"
        policy = dialect.policy(self.match.methods.get(self.request.method), credential)
        self.window = self.state.limits.count(dialect.name, caller, policy)
        return self.window

    async def _content(self, *, optional: bool) -> bytes:
        """Return the body, refusing early what is too large or not JSON."""
        announced = self.request.headers.get("content-length", "0")
        if not optional:
            self._check_media("application/json")
        if not announced.isdecimal() or int(announced[:20]) > MAX_BODY:
            raise _too_large()
        content = bytearray()
        async for chunk in self.incoming.chunks():
            content += chunk
            if len(content) > MAX_BODY:
                raise _too_large()
        if optional and not content:
            return b"{}"
        if optional:
            self._check_media("application/json")
        return bytes(content)

    def _check_media(self, *wanted: str) -> None:
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in wanted:
            raise ApiError(415, f"The body must be {' or '.join(wanted)}", details={"content_type": kind})

    async def _once(self, endpoint: Endpoint, call: Call[Any, Any], key: str, content: bytes) -> Response:
        """Invoke the endpoint unless this key has an answer already."""
        self.record.idempotency_key = key
        caller = f"{self.match.family.dialect.name} {call.credential.key}"
        store = self.state.idempotency
        claim = store.claim(caller, key, fingerprint(endpoint.method, self.match.path.rstrip("/"), content))
        if isinstance(claim, Response):
            self.record.replayed = True
            return claim
        try:
            response = await self._invoke(endpoint, call)
        except BaseException:
            store.release(caller, key, claim)
            raise
        store.settle(claim, response)
        return response

    async def _invoke(self, endpoint: Endpoint, call: Call[Any, Any]) -> Response:
        if self.fault is not None:
            await self._pause(self.fault.delay)
        with refusals():
            answer = await endpoint.handler(call)
        self.polled = call.saw_active_job
        self.state.check()
        if isinstance(answer, Response):
            return answer
        if answer is None:
            return Response(status_code=endpoint.status)
        envelope = self.match.family.dialect.envelope
        if envelope is not None:
            answer = envelope.wrap(answer, self.request_id, self.state.time.now(), bare=endpoint.bare)
        return json_response(answer, endpoint.status)

    async def _pause(self, seconds: float | None) -> None:
        """Let real time pass; a server that stops or is reset meanwhile drops the request."""
        if seconds and await self.state.time.wait("", seconds):
            raise ClientDisconnect

    def _refusal(self, error: ApiError) -> Response:
        dialect = self.match.family.dialect
        body = dialect.error_body(error, dialect.code(error), self.request_id, self.state.time.now())
        return json_response(body, error.status, error.headers)

    def _complete(self, response: Response) -> Response:
        """Add what every answer carries and note the status; an answer to HEAD has no body to be described."""
        self.record.status = response.status_code
        if self.request.method == "HEAD" and response.body:
            described = ("content-length", "content-type")
            kept = {name: value for name, value in response.headers.items() if name not in described}
            response = Response(status_code=response.status_code, headers=kept)
        headers = response.headers
        headers["X-Request-ID"] = self.request_id
        headers["Date"] = formatdate(self.state.time.now(), usegmt=True)
        if not self.is_preflight:
            headers.update(self._budget().headers())
        if self.match.family.dialect.open_to_browsers:
            headers.update(OPEN)
        if self.state.honours_keys:
            headers["X-Idempotency-Supported"] = "true"
        return response

    def _budget(self) -> Window:
        """Return the caller's window; a request that the fault plan answered is counted only here."""
        if self.window is not None:
            return self.window
        try:
            return self._count(self._identify())
        except ApiError:
            return self._count(None)


def json_response(content: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return ``content`` as a JSON answer."""
    return Response(pydantic_core.to_json(content), status, headers, "application/json")


def _too_large() -> ApiError:
    return ApiError(
        413,
        f"The body must not be larger than {MAX_BODY} bytes",
        details={"limit": MAX_BODY},
        headers={"Connection": "close"},
    )
