"""Where something that is lent stands, on a map that others keep: a link, nothing loaded here."""

from __future__ import annotations

from parvis.territory.models import Address

ZOOM = 17
"""A street and the next ones."""


def map_url(address: Address | None) -> str:
    """The page of OpenStreetMap with a mark at the address; empty when its place is not known."""
    if address is None or address.latitude is None or address.longitude is None:
        return ""
    # Five decimals are a metre. Written here: a template would write a decimal comma.
    latitude, longitude = f"{address.latitude:.5f}", f"{address.longitude:.5f}"
    return (
        f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"
        f"#map={ZOOM}/{latitude}/{longitude}"
    )
