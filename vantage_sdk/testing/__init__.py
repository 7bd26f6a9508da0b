"""Fixtures and switches for testing your own code against the bundled server."""

from __future__ import annotations

from vantage_sdk.testing.instant import instant_retries

__all__ = ["instant_retries"]
