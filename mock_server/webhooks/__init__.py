"""Webhooks: what is delivered when, and how it gets there."""
