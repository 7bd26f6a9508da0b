"""Ratios of this client to plain httpx and to another SDK, measured side by side in one run."""
