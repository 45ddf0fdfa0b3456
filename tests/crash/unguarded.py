"""The portal without what keeps its bookings: the control of the storm of book.py."""

from __future__ import annotations

from typing import Any

from parvis.asgi import app
from parvis.reservations import actions, holds
from parvis.reservations.models import Resource

assert callable(actions.made_with) and callable(holds.lock)


def unlocked(town: Any, resource_ids: Any) -> list[Any]:
    found = list(Resource.objects.of(town).filter(pk__in=set(resource_ids)).order_by("pk"))
    for one in found:
        one.municipality = town
    return found


actions.made_with = lambda *asked: None
holds.lock = unlocked

__all__ = ["app"]
