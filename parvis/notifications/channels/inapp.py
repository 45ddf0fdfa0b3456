"""In the portal: the outcome itself is what the resident's page lists."""

from __future__ import annotations

from collections.abc import Iterator

from parvis.notifications.channels import Keeper, Parcel, Result, State


def deliver(parcel: Parcel, keeper: Keeper) -> Iterator[Result]:
    """Everyone at once: the rows are written when the chunk is closed."""
    for resident_id in parcel.recipients:
        yield Result(resident_id, State.HANDED_OVER, resident_id=resident_id)
