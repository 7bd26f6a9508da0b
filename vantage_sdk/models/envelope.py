"""The envelope around the answers of the workflows API, which callers never see but for its ``meta``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from vantage_sdk.core.shapes import as_object
from vantage_sdk.models.base import Model, Timestamp, parsed

if TYPE_CHECKING:
    from vantage_sdk.core.answer import Answer

E = TypeVar("E", bound="Enveloped")
_WRAPPING = ("success", "data", "meta")


class Meta(Model):
    """What the server says about its answer: the id of the request, and when it was answered."""

    request_id: str | None = None
    timestamp: Timestamp | None = None


class Enveloped(Model):
    """An object that came in an envelope."""

    @property
    def meta(self) -> Meta:
        """Return ``request_id`` and ``timestamp`` of the answer, ``None`` where the server told nothing."""
        return self.__dict__.get("_meta") or Meta()


def opened(answer: Answer) -> tuple[Mapping[str, Any], Meta]:
    """Return what is in an envelope, or in an answer that has none, and its ``meta``; raise ``ValueError`` for no object."""
    body = as_object(parsed(answer))
    if body is None:
        raise ValueError("the answer is no JSON object")
    if body.get("success") is False:
        raise ValueError("the answer has a good status but says success: false")
    said = as_object(body.get("meta")) or {}
    if said.get("request_id") is None and answer.request_id is not None:
        said = {**said, "request_id": answer.request_id}
    beside = {name: value for name, value in body.items() if name not in _WRAPPING}
    if "data" not in body:
        return beside, Meta.from_dict(said)
    data = as_object(body["data"])
    if data is None:
        raise ValueError("the data of the answer is no JSON object")
    return {**beside, **data}, Meta.from_dict(said)


def enveloped(model: type[E], **missing: Any) -> Callable[[Answer], E]:
    """Return the decoder of one object in an envelope; ``missing`` is what stands for fields that were left out."""

    def decode(answer: Answer) -> E:
        data, meta = opened(answer)
        return with_meta(model.from_dict({**missing, **data} if missing else data), meta)

    return decode


def with_meta(item: E, meta: Meta) -> E:
    """Let an object remember what was said about the answer that it came in."""
    values: dict[str, Any] = vars(item)
    values["_meta"] = meta
    return item
