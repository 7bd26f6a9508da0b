"""API keys of the workflows family; a caller reaches those of the own account only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from mock_server.errors import ApiError, invalid_field
from mock_server.routes import Call, Routes
from mock_server.validation import Instant, Maybe, StrictBody
from mock_server.workflows.dialect import stamp, stamp_or_none
from mock_server.workflows.workflows import number_of
from mock_server.world.keys import Level, Scope

if TYPE_CHECKING:
    from mock_server.world.keys import ApiKey

FIXED = ("key", "full_key", "key_prefix", "scope_level", "hash", "key_hash")

LATEST = 253_402_300_799.0
"""The last second that can be spelled, of the year 9999."""

routes = Routes("keys", prefix="/api/v1")


def _distinct(scopes: list[Scope]) -> list[Scope]:
    """Leave out what is said twice."""
    return list(dict.fromkeys(scopes))


def _as_text(value: Any) -> Any:
    """Let no number be an instant."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Must be an ISO 8601 date or time")
    return value


def _with_four_digits(value: float) -> float:
    if value >= LATEST:
        raise PydanticCustomError("too_late", "Must be before the year 10000")
    return value


Name = Annotated[str, Field(min_length=1, max_length=100)]
Expiry = Annotated[Instant, AfterValidator(_with_four_digits), BeforeValidator(_as_text)]
Scopes = Annotated[list[Scope], AfterValidator(_distinct)]


class KeyCreate(StrictBody):
    """A new key."""

    name: Name
    scope_level: Level = "user"
    scopes: Scopes = Field(default=["workflows:read"])
    expires_at: Maybe[Expiry] = Field(default=None, description="When the key stops working; not in the past.")


def _fixed_in(value: object) -> list[str]:
    return [name for name in FIXED if isinstance(value, dict) and name in value]


class KeyUpdate(StrictBody):
    """What may change; value, scope level and hash may not, and what is unknown is left alone."""

    model_config = ConfigDict(extra="ignore")

    name: Maybe[Name] = None
    scopes: Maybe[Scopes] = None

    @model_validator(mode="before")
    @classmethod
    def _leaves_the_rest(cls, value: object) -> object:
        if fixed := _fixed_in(value):
            raise PydanticCustomError("fixed", "{name} of a key cannot be changed", {"name": fixed[0]})
        return value


class KeyView(TypedDict):
    """A key without its value."""

    id: int
    name: str
    key_prefix: str
    scope_level: Level
    scopes: list[Scope]
    is_active: NotRequired[bool]
    last_used_at: NotRequired[str | None]
    expires_at: str | None
    created: str


class KeyCreated(TypedDict):
    """The only answer with the value of a key."""

    key: KeyView
    full_key: str


class KeyUpdated(TypedDict):
    """A key after a change."""

    key: KeyView


class KeyList(TypedDict):
    """All keys of the account."""

    keys: list[KeyView]


class KeyRevoked(TypedDict):
    """The key does not work any more."""

    revoked: Literal[True]


@routes.post("/keys", status=201, session=True, bare=True, conflicts=True)
async def create(call: Call[None, KeyCreate]) -> KeyCreated:
    """Create an API key."""
    body = call.body
    if body.expires_at is not None and body.expires_at <= call.state.time.now():
        raise invalid_field("expires_at", "Must be in the future")
    _check_rights(call, body.scopes)
    if body.scope_level == "client" and call.credential.level != "client":
        raise ApiError(403, "This key may not make one that reaches the whole organization")
    key, value = call.state.api_keys.create(
        body.name,
        user_id=call.credential.user_id,
        level=body.scope_level,
        scopes=body.scopes,
        expires_at=body.expires_at,
    )
    view = view_key(key)
    del view["is_active"], view["last_used_at"]
    return {"key": view, "full_key": value}


@routes.get("/keys", session=True, bare=True)
async def list_(call: Call[None, None]) -> KeyList:
    """List API keys."""
    return {"keys": [view_key(key) for key in call.state.api_keys.of(call.credential.user_id)]}


@routes.patch("/keys/{key_id}", session=True, bare=True, conflicts=True)
async def update(call: Call[None, KeyUpdate]) -> KeyUpdated:
    """Update an API key."""
    key, body = _key(call), call.body
    if body.scopes is not None:
        _check_rights(call, body.scopes)
        key.scopes = tuple(body.scopes)
    if body.name is not None:
        key.name = body.name
    return {"key": view_key(key)}


@routes.delete("/keys/{key_id}", session=True, bare=True)
async def revoke(call: Call[None, None]) -> KeyRevoked:
    """Revoke an API key."""
    _key(call).is_active = False
    return {"revoked": True}


def view_key(key: ApiKey) -> KeyView:
    """Show a key."""
    return {
        "id": key.id,
        "name": key.name,
        "key_prefix": key.prefix,
        "scope_level": key.level,
        "scopes": list(key.scopes),
        "is_active": key.is_active,
        "last_used_at": stamp_or_none(key.last_used_at),
        "expires_at": stamp_or_none(key.expires_at),
        "created": stamp(key.created_at),
    }


def _key(call: Call[Any, Any]) -> ApiKey:
    text = call.path["key_id"]
    key = call.state.api_keys.get(number_of(text), call.credential.user_id)
    if key is None:
        raise ApiError(404, f"API key {text[:50]} not found", code="KEY_NOT_FOUND")
    return key


def _check_rights(call: Call[Any, Any], scopes: list[Scope]) -> None:
    if missing := [scope for scope in scopes if scope not in call.credential.scopes]:
        raise ApiError(403, f"Nobody can give a scope that the own key lacks: {', '.join(missing)}")
