"""The attributes of a client of the job service, one noun each; what they need is loaded when they are first used."""

from __future__ import annotations

from vantage_sdk.core.resource import Mode, ResourceSet


class Resources(ResourceSet[Mode]):
    """What a client of the job service offers, in one of its faces."""
