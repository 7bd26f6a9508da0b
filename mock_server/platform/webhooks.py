"""Webhooks of the platform family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from mock_server.platform.lists import Listing
from mock_server.routes import Call, Routes
from mock_server.validation import Maybe, StrictBody
from mock_server.webhooks.signature import secret_key
from mock_server.wire import iso
from mock_server.world.webhooks import EventName

if TYPE_CHECKING:
    from mock_server.world.webhooks import Webhook

HOST = r"([A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])"
PORT = r":([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

routes = Routes("webhooks", prefix="/v1")


def _distinct(events: list[EventName]) -> list[EventName]:
    if len(set(events)) < len(events):
        raise PydanticCustomError("repeated", "Each event must be given only once")
    return events


def _usable(secret: str) -> str:
    if not secret_key(secret):
        raise PydanticCustomError("empty_secret", "Must have something behind whsec_")
    return secret


Url = Annotated[str, Field(max_length=2048, pattern=rf'^https?://{HOST}({PORT})?(/[!"$-~]*)?$')]
Events = Annotated[
    list[EventName], Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_distinct)
]
Secret = Annotated[
    str, Field(min_length=1, max_length=256, json_schema_extra={"writeOnly": True}), AfterValidator(_usable)
]


class WebhookView(TypedDict):
    """A subscription; its secret is never shown."""

    id: str
    url: str
    events: list[EventName]
    active: bool
    created_at: str
    updated_at: str


class WebhookPage(TypedDict):
    """A page of subscriptions."""

    webhooks: list[WebhookView]
    total: int
    page: int
    per_page: int


class WebhookCreate(StrictBody):
    """A new subscription."""

    url: Url
    events: Events
    secret: Maybe[Secret] = Field(default=None, description="Signs the deliveries; write-only.")
    active: bool = True


class WebhookUpdate(StrictBody):
    """Changes to a subscription."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    url: Maybe[Url] = None
    events: Maybe[Events] = None
    secret: Maybe[Secret] = Field(default=None, description="Takes the place of the old one, which signs on for a day.")
    active: Maybe[bool] = None

    @model_validator(mode="after")
    def _says_something(self) -> WebhookUpdate:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "At least one field is required")
        return self


@routes.get("/webhooks")
async def list_(call: Call[Listing, None]) -> WebhookPage:
    """List webhooks."""
    found = call.query.select(call.state.webhooks, lambda _: True)
    return {
        "webhooks": [_view(webhook) for webhook in call.query.cut(found)],
        "total": len(found),
        "page": call.query.number,
        "per_page": call.query.size,
    }


@routes.post("/webhooks", status=201, conflicts=True)
async def create(call: Call[None, WebhookCreate]) -> WebhookView:
    """Create webhook."""
    wanted = call.body
    webhook = call.state.webhooks.add(
        wanted.url, wanted.events, call.state.time.now(), secret=wanted.secret, active=wanted.active
    )
    call.state.courier.poke()
    return _view(webhook)


@routes.patch("/webhooks/{webhook_id}", conflicts=True)
async def update(call: Call[None, WebhookUpdate]) -> WebhookView:
    """Update webhook."""
    webhook, changes, now = _webhook(call), call.body, call.state.time.now()
    if changes.secret is not None:
        webhook.rotate(changes.secret, now)
    webhook.url = webhook.url if changes.url is None else changes.url
    webhook.events = webhook.events if changes.events is None else tuple(changes.events)
    webhook.active = webhook.active if changes.active is None else changes.active
    call.state.webhooks.changed(webhook, now)
    if webhook.active:
        call.state.courier.poke()
    else:
        call.state.courier.end(webhook)
    return _view(webhook)


@routes.delete("/webhooks/{webhook_id}")
async def delete(call: Call[None, None]) -> None:
    """Delete webhook."""
    call.state.courier.end(call.state.webhooks.remove(_webhook(call).id))


def _webhook(call: Call[Any, Any]) -> Webhook:
    return call.state.webhooks.get(call.path["webhook_id"])


def _view(webhook: Webhook) -> WebhookView:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "active": webhook.active,
        "created_at": iso(webhook.created_at),
        "updated_at": iso(webhook.updated_at),
    }
