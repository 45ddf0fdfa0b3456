"""Attempts are counted for each town apart: what happens in one never locks a door in another."""

from __future__ import annotations

from allauth.core import context


def key_of_town(key: str, key_prefix: str, version: int) -> str:
    """The cache's key; allauth's counters carry the town of the request."""
    town = ""
    if key.startswith("allauth:"):
        town = str(getattr(getattr(context.request, "municipality", None), "pk", ""))
    return f"{key_prefix}:{version}:{town}:{key}" if town else f"{key_prefix}:{version}:{key}"
