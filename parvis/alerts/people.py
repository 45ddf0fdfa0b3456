"""Who answers an alert: someone signed in, or whoever holds the link of a message sent to them."""

from __future__ import annotations

from dataclasses import dataclass

from parvis.alerts.models import Alert, Revision
from parvis.municipalities.models import Municipality
from parvis.notifications import inbox
from parvis.residents.models import Place, Resident
from parvis.territory.models import Address


@dataclass(frozen=True)
class Person:
    """A resident as the alert's page knows them."""

    resident: Resident
    token: str = ""
    """The link's signature; empty for someone signed in."""

    @property
    def by_letter(self) -> bool:
        return bool(self.token)


def of_link(municipality: Municipality, alert: Alert, token: str) -> Person | None:
    """Whoever this link was sent to, for this alert only; None for any other link."""
    named = inbox.person_of(municipality, token)
    if named is None:
        return None
    message_id, resident_id = named
    sent = Revision.objects.of(municipality).filter(alert=alert, message_id=message_id)
    if not sent.exists():
        return None
    resident = Resident.objects.of(municipality).standing().filter(pk=resident_id).first()
    return Person(resident, token) if resident is not None else None


def addresses_of(resident: Resident) -> list[Address]:
    """The addresses of the person's places, home first; without the outline of their sectors."""
    places = Place.objects.of_resident(resident).defer("address__sector__geometry")
    return [place.address for place in places if place.address is not None]
