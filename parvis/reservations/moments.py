"""The free moments of a service that receives by appointment."""

from __future__ import annotations

from datetime import datetime

from parvis.reservations import readings
from parvis.reservations.hours import Span
from parvis.reservations.models import Resource
from parvis.reservations.readings import Line, Offer


def free(
    resource: Resource, window: Span, *, now: datetime, at_counter: bool = False
) -> list[Span]:
    """What may be taken within the window, in order, whichever desk receives."""
    return free_of(readings.offer(resource), window, now=now, at_counter=at_counter)


def free_of(
    offer: Offer, window: Span, *, now: datetime, but: int | None = None, at_counter: bool = False
) -> list[Span]:
    """The same of an offer that is read already; `but` leaves out a booking that is to move."""
    town, terms = offer.resource.municipality, offer.resource.terms
    reach = terms.before + terms.after + terms.shortest
    taken = readings.occupation(
        town, [offer.resource.pk], window.widened(reach, reach), now=now, but=but
    )
    starts = readings.free_starts(
        [(offer, Line(offer.resource.pk))], length=terms.shortest, window=window, taken=taken,
        now=now, zone=town.zone, at_counter=at_counter,
    )  # fmt: skip
    return [Span(one, one + terms.shortest) for one in starts]
