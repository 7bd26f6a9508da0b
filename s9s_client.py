"""The clients of S9S, under the name that its documentation uses."""

from vantage_sdk import AsyncS9SClient, S9SClient

__all__ = ["AsyncS9SClient", "S9SClient"]
